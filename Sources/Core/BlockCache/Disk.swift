import CPosix
import Glibc
import Support

/// The system calls the cache needs, with errors thrown as ``Errno``.
enum Disk {
    /// What stat(2) tells about a file.
    struct Status: Equatable {
        let size: Int
        /// Seconds since 1970.
        let modified: Double
        let inode: UInt
        let device: UInt
        let isDirectory: Bool
        /// The user and the group that the file belongs to.
        let user: UInt32
        let group: UInt32
    }

    /// An open file, closed when the value goes away.
    struct File: ~Copyable {
        let descriptor: Int32

        /// Opens `path` (the corresponding C function is `open`, with `O_CLOEXEC`).
        init(_ path: String, _ flags: Int32, mode: UInt32 = 0o600) throws(Errno) {
            let result = unsafe posix_open_cloexec(path, flags, mode)
            guard result >= 0 else { throw Errno(rawValue: -result) }
            descriptor = result
        }

        deinit { close(descriptor) }

        func status() throws(Errno) -> Status {
            var buffer = stat()
            guard unsafe fstat(descriptor, &buffer) == 0 else { throw .current }
            return Status(buffer)
        }

        /// `count` bytes from `offset`, fewer at the end of the file.
        func read(_ count: Int, at offset: Int) throws(Errno) -> [UInt8] {
            var failure: Errno?
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                filled = 0
                while filled < count {
                    guard let base = buffer.baseAddress else { return }
                    let result = unsafe pread(descriptor, base + filled, count - filled, offset + filled)
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
            if let failure { throw failure }
            return bytes
        }

        /// Appends all of `bytes`.
        func write(_ bytes: [UInt8]) throws(Errno) {
            var failure: Errno?
            unsafe bytes.withUnsafeBytes { buffer in
                var done = 0
                while done < buffer.count, let base = buffer.baseAddress {
                    let result = unsafe Glibc.write(descriptor, base + done, buffer.count - done)
                    if result >= 0 {
                        done += result
                    } else if errno != EINTR {
                        failure = .current
                        return
                    }
                }
            }
            if let failure { throw failure }
        }

        /// Sets both file times, in seconds since 1970. Best effort: only the order of eviction after a remount is lost.
        func setTimes(_ seconds: Double) {
            let time = timespec(tv_sec: Int(seconds), tv_nsec: 0)
            _ = unsafe futimens(descriptor, [time, time])
        }

        /// Gives the file to the user and the group that the directory at `path` belongs to, where the process is root:
        /// what root's tools leave in a user's directory must be for that user's mount to read.
        func handOver(toOwnerOf path: String) throws(Errno) {
            guard geteuid() == 0 else { return }
            let present = try status()
            let wanted = try File(path, O_RDONLY | O_DIRECTORY).status()
            guard (present.user, present.group) != (wanted.user, wanted.group) else { return }
            guard fchown(descriptor, wanted.user, wanted.group) == 0 else { throw .current }
        }

        /// Flushes and closes, so that an error of a network file system is seen.
        consuming func finish(flush: Bool = false) throws(Errno) {
            let failed = flush && fsync(descriptor) != 0
            let failure = Errno.current
            let descriptor = self.descriptor
            discard self
            guard close(descriptor) == 0 else { throw .current }
            if failed { throw failure }
        }
    }

    /// The status of the file at `path`.
    static func status(_ path: String) throws(Errno) -> Status {
        var buffer = stat()
        guard unsafe lstat(path, &buffer) == 0 else { throw .current }
        return Status(buffer)
    }

    /// Removes the file at `path`. Returns whether it was there.
    @discardableResult
    static func remove(_ path: String) throws(Errno) -> Bool {
        if unsafe unlink(path) == 0 { return true }
        guard errno == ENOENT || errno == ENOTDIR else { throw .current }
        return false
    }

    static func rename(_ from: String, to path: String) throws(Errno) {
        guard unsafe Glibc.rename(from, path) == 0 else { throw .current }
    }

    /// Flushes the names in the directory `path`, so that a file renamed there survives a loss of power. Does nothing on
    /// file systems that cannot.
    static func flushNames(in path: String) throws(Errno) {
        do throws(Errno) {
            try File(path, O_RDONLY | O_DIRECTORY).finish(flush: true)
        } catch {
            if error.rawValue != EINVAL, error.rawValue != EOPNOTSUPP { throw error }
        }
    }

    /// Makes one directory, only for its owner to read; an existing one is left as it is.
    static func makeDirectory(_ path: String) throws(Errno) {
        if unsafe mkdir(path, 0o700) == 0 { return }
        let failure = Errno.current
        // A parent that is read-only answers EROFS even where the directory exists.
        var present = stat()
        if unsafe stat(path, &present) == 0, Status(present).isDirectory { return }
        throw failure.rawValue == EEXIST ? Errno(rawValue: ENOTDIR) : failure
    }

    /// The names in the directory `path` without `.` and `..`; a directory that does not exist has none.
    static func names(in path: String) throws(Errno) -> [String] {
        guard let stream = unsafe opendir(path) else {
            if errno == ENOENT { return [] }
            throw .current
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else { break }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        if errno != 0 { throw .current }
        return names
    }

    /// Bytes that an ordinary user may still write to the file system of `path`; nil when it cannot be told.
    static func freeBytes(_ path: String) -> Int? {
        var buffer = statvfs()
        guard unsafe statvfs(path, &buffer) == 0 else { return nil }
        return Int(buffer.f_bavail) * Int(buffer.f_frsize)
    }

    /// The bytes that a file of `length` bytes takes up: whole pages of 4 KiB, the block of the usual file systems.
    static func roundedToPages(_ length: Int) -> Int { (length + 4095) & ~4095 }
}

extension Disk.Status {
    fileprivate init(_ buffer: stat) {
        size = Int(buffer.st_size)
        modified = Double(buffer.st_mtim.tv_sec) + Double(buffer.st_mtim.tv_nsec) / 1e9
        inode = UInt(buffer.st_ino)
        device = UInt(buffer.st_dev)
        isDirectory = buffer.st_mode & S_IFMT == S_IFDIR
        user = buffer.st_uid
        group = buffer.st_gid
    }
}
