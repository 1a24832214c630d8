internal import CPosix
import Glibc

/// The values of stat(2) for a file.
package struct FileStatus: Equatable, Sendable {
    /// The size in bytes.
    package let size: Int
    /// The modification time, seconds since 1970.
    package let modified: Double
    /// The part of that time below a second, ns.
    package let nanoseconds: Int
    /// The number of the file on its device.
    package let inode: UInt
    /// The device of the file system.
    package let device: UInt
    /// The number of names (hard links) of the file.
    package let names: Int
    /// The user that the file belongs to.
    package let user: UInt32
    /// Kind and permissions, `st_mode`.
    let mode: UInt32

    init(_ buffer: stat) {
        size = Int(buffer.st_size)
        modified = Double(buffer.st_mtim.tv_sec) + Double(buffer.st_mtim.tv_nsec) / 1e9
        nanoseconds = buffer.st_mtim.tv_nsec
        inode = UInt(buffer.st_ino)
        device = UInt(buffer.st_dev)
        names = Int(buffer.st_nlink)
        user = buffer.st_uid
        mode = buffer.st_mode
    }

    /// The status of an open file.
    package init(of descriptor: Int32) throws(Errno) {
        var buffer = stat()
        guard unsafe fstat(descriptor, &buffer) == 0 else { throw Errno.current }
        self.init(buffer)
    }

    /// Whether it is a file of this kind: `S_IFREG`, `S_IFDIR`, `S_IFLNK`.
    package func isKind(_ kind: UInt32) -> Bool { mode & S_IFMT == kind }
}

/// An open file of a ``DirectoryHandle``. It is closed when the value is destroyed.
package struct CheckedFile: ~Copyable, Sendable {
    /// The descriptor, for locks and other calls that this type lacks. It is open as long as the value lives, and
    /// negative after ``release()``.
    package private(set) var descriptor: Int32
    /// The file's size, times and owner when it was opened.
    package let opened: FileStatus
    private let name: String
    /// Whether reads fail instead of waiting for a device.
    private let readsCached: Bool

    /// Takes the open `descriptor` over, also when it throws.
    package init(_ descriptor: Int32, name: String, readsCached: Bool = false) throws(FileFault) {
        do throws(Errno) {
            opened = try FileStatus(of: descriptor)
        } catch {
            close(descriptor)
            throw FileFault(name, error)
        }
        self.descriptor = descriptor
        self.name = name
        self.readsCached = readsCached
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// `count` bytes from `offset`, fewer at the end of the file. See ``DirectoryHandle/openCached(_:)`` for reads that do not wait.
    package func read(_ count: Int, at offset: Int) throws(FileFault) -> [UInt8] {
        var failure: Errno?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < count {
                guard let base = buffer.baseAddress else { return }
                let result =
                    unsafe readsCached
                    ? posix_read_cached(descriptor, base + filled, count - filled, offset + filled)
                    : pread(descriptor, base + filled, count - filled, offset + filled)
                if result > 0 {
                    filled += result
                } else if result == 0 {
                    return
                } else if errno != EINTR {
                    failure = .current
                    return
                }
            }
        }
        if let failure { throw FileFault(name, failure) }
        return bytes
    }

    /// Writes all of `bytes` at the current position of the file.
    package func write(_ bytes: [UInt8]) throws(FileFault) {
        do throws(Errno) {
            try writeAll(bytes, to: descriptor)
        } catch {
            throw FileFault(name, error)
        }
    }

    /// Makes the file empty.
    package func truncate() throws(FileFault) {
        guard ftruncate(descriptor, 0) == 0 else { throw FileFault(name, .current) }
    }

    /// Sets both file times, in seconds since 1970. A failure is ignored, because the file is as useful without them.
    package func setTimes(_ seconds: Double) {
        let time = timespec(tv_sec: Int(seconds), tv_nsec: 0)
        _ = unsafe futimens(descriptor, [time, time])
    }

    /// Flushes and closes the file, so that an error of a network file system is reported.
    package mutating func finish(flush: Bool = false) throws(FileFault) {
        let failed = flush && fsync(descriptor) != 0
        let failure = Errno.current
        guard close(release()) == 0 else { throw FileFault(name, .current) }
        if failed { throw FileFault(name, failure) }
    }

    /// Passes the descriptor to the caller, which must close it.
    package mutating func release() -> Int32 {
        defer { descriptor = -1 }
        return descriptor
    }
}
