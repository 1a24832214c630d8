import Glibc

/// A POSIX error number.
package struct Errno: RawRepresentable, Error, Hashable, Sendable, CustomStringConvertible {
    /// The number, as in `errno(3)`.
    package let rawValue: Int32

    /// An error with a number from `errno` or from a negated return code.
    package init(rawValue: Int32) { self.rawValue = rawValue }

    /// The calling thread's `errno`.
    package static var current: Errno { Errno(rawValue: errno) }

    /// The text of the C library, for example "No such file or directory".
    package var description: String {
        var buffer = [CChar](repeating: 0, count: 128)
        let result = unsafe strerror_r(rawValue, &buffer, buffer.count)
        guard result == 0 else { return "errno \(rawValue)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
