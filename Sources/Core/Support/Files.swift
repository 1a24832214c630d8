internal import CPosix
import Glibc

/// Opens `path` with `O_CLOEXEC`, retrying on `EINTR`. The caller closes the descriptor.
///
/// The corresponding C function is `open`.
package func openFile(_ path: String, flags: Int32, mode: UInt32 = 0o644) throws(Errno) -> Int32 {
    let result = unsafe path.withCString { unsafe posix_open_cloexec($0, flags, mode) }
    guard result >= 0 else { throw Errno(rawValue: -result) }
    return result
}

/// Sends a command without an argument to the driver or file system behind `descriptor`.
///
/// The corresponding C function is `ioctl`.
package func sendControl(_ command: UInt32, to descriptor: Int32) throws(Errno) {
    let result = posix_control(descriptor, UInt(command))
    guard result >= 0 else { throw Errno(rawValue: -result) }
}

/// Sends a command to the driver or file system behind `descriptor`, which replies with two numbers.
///
/// The corresponding C function is `ioctl`.
package func askControl(_ command: UInt32, of descriptor: Int32) throws(Errno) -> (UInt64, UInt64) {
    var answer: [UInt64] = [0, 0]
    let result = unsafe posix_control_reading(descriptor, UInt(command), &answer)
    guard result >= 0 else { throw Errno(rawValue: -result) }
    return (answer[0], answer[1])
}

/// `O_DIRECT` of fcntl.h, which glibc defines only for GNU sources: octal 40000 on x86, 200000 on arm64.
package let openDirect: Int32 = {
    #if arch(arm64)
        0o200000
    #else
        0o40000
    #endif
}()

/// The bytes of the file at `path`, read to its end, so that files of /proc and /sys work too.
package func readWholeFile(_ path: String) throws(Errno) -> [UInt8] {
    let descriptor = try openFile(path, flags: O_RDONLY)
    defer { close(descriptor) }
    return try readToEnd(descriptor, limit: .max)
}

/// The remaining bytes of the file behind `descriptor`. Reading stops once there are more than `limit` bytes.
private func readToEnd(_ descriptor: Int32, limit: Int) throws(Errno) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= limit {
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        if count == 0 { break }
        if count < 0 {
            if errno == EINTR { continue }
            throw Errno.current
        }
        bytes.append(contentsOf: buffer[..<count])
    }
    return bytes
}

/// Why ``readRegularFile(_:limit:)`` fails.
package enum RegularFileError: Error, CustomStringConvertible {
    /// The system reports an error.
    case system(Errno)
    /// The name belongs to a directory, a pipe, a device or a socket.
    case notRegular
    /// The file has more bytes than the limit.
    case tooLong(limit: Int)

    /// The reason, as a text that follows a colon.
    package var description: String {
        switch self {
        case .system(let errno): "\(errno)"
        case .notRegular: "it is not a regular file"
        case .tooLong(let limit): "it is longer than \(limit) bytes"
        }
    }
}

/// The bytes of a regular file that a user names. Any other kind of file is refused unread: a pipe without a writer
/// would block, and a device may have no end.
///
/// - Parameter limit: the most bytes that a sensible file has.
package func readRegularFile(_ path: String, limit: Int) throws(RegularFileError) -> [UInt8] {
    let bytes: [UInt8]?
    do throws(Errno) {
        let descriptor = try openFile(path, flags: O_RDONLY | O_NONBLOCK)
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw Errno.current }
        bytes = status.st_mode & S_IFMT == S_IFREG ? try readToEnd(descriptor, limit: limit) : nil
    } catch {
        throw .system(error)
    }
    guard let bytes else { throw .notRegular }
    guard bytes.count <= limit else { throw .tooLong(limit: limit) }
    return bytes
}

/// Writes `bytes` to `path` so that a reader sees the old file or the new one, never a part of it. It writes a
/// temporary file in the same directory and renames it.
package func writeFileAtomically(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o644) throws(Errno) {
    let temporary = "\(path).\(getpid()).tmp"
    // The name may belong to a file of an earlier process with this number, or to a link that another user has planted.
    unsafe unlink(temporary)
    let descriptor = try openFile(temporary, flags: O_WRONLY | O_CREAT | O_EXCL, mode: mode)
    do throws(Errno) {
        defer { close(descriptor) }
        try writeAll(bytes, to: descriptor)
    } catch {
        unsafe unlink(temporary)
        throw error
    }
    guard unsafe rename(temporary, path) == 0 else {
        let reason = Errno.current
        unsafe unlink(temporary)
        throw reason
    }
}

/// Writes all of `bytes` to `descriptor`, in as many calls as it takes.
package func writeAll(_ bytes: [UInt8], to descriptor: Int32) throws(Errno) {
    var done = 0
    while done < bytes.count {
        let count = unsafe bytes.withUnsafeBytes { buffer in
            unsafe write(descriptor, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done)
        }
        if count > 0 {
            done += count
        } else if errno != EINTR {
            throw Errno.current
        }
    }
}

/// Creates the directory `path` and its parents, as `mkdir -p` does.
package func makeDirectories(_ path: String, mode: UInt32 = 0o755) throws(Errno) {
    if unsafe mkdir(path, mode) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else { throw Errno.current }
    try makeDirectories(String(path[..<slash]), mode: mode)
    guard unsafe mkdir(path, mode) == 0 || errno == EEXIST else { throw Errno.current }
}
