import CPosix
import Glibc
import Support

/// Ownership of a cache directory: an advisory lock on `<directory>/lock`, whose text names the holder.
///
/// The kernel drops the lock with the process, however it ends, so that a lock file without a lock is free. A forked child
/// shares the lock: open a cache after becoming a daemon, or the text names the parent.
final class DirectoryLock: Sendable {
    private let descriptor: Int32
    private let path: String

    private init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    enum Attempt {
        case acquired(DirectoryLock)
        case held(pid: Int32, owner: String)
        case failed(Errno)
    }

    static func path(in directory: String) -> String { "\(directory)/lock" }

    /// Tries for a fifth of a second, because a look at who holds the lock takes it for an instant.
    static func acquire(directory: String, owner: String) -> Attempt {
        let path = path(in: directory)
        let descriptor = unsafe posix_open_cloexec(path, O_RDWR | O_CREAT, 0o600)
        guard descriptor >= 0 else { return .failed(Errno(rawValue: -descriptor)) }
        for attempt in 0..<10 {
            let result = posix_flock_exclusive(descriptor, 0)
            if result == 0 {
                // Whoever held it may have removed the file while we waited; then the lock protects nothing.
                let lock = DirectoryLock(descriptor: descriptor, path: path)
                guard lock.isCurrent else { return .failed(Errno(rawValue: ESTALE)) }
                lock.write(owner)
                return .acquired(lock)
            }
            if -result != EWOULDBLOCK {
                close(descriptor)
                return .failed(Errno(rawValue: -result))
            }
            if attempt < 9 { usleep(20_000) }
        }
        close(descriptor)
        let holder = text(path)
        return .held(pid: holder.pid, owner: holder.owner)
    }

    /// Who holds the lock now, nil when it is free.
    static func holder(directory: String) -> (pid: Int32, owner: String)? {
        let path = path(in: directory)
        // NFS locks only what may be written; on a local disk a reader may try, too.
        var descriptor = unsafe posix_open_cloexec(path, O_RDWR, 0)
        if descriptor == -EACCES || descriptor == -EROFS { descriptor = unsafe posix_open_cloexec(path, O_RDONLY, 0) }
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return -posix_flock_exclusive(descriptor, 0) == EWOULDBLOCK ? text(path) : nil
    }

    /// Whether the lock file is still the one that was locked.
    var isCurrent: Bool {
        var ours = stat()
        var present = stat()
        guard unsafe fstat(descriptor, &ours) == 0, unsafe lstat(path, &present) == 0 else { return false }
        return ours.st_ino == present.st_ino && ours.st_dev == present.st_dev
    }

    /// The pid in decimal, a space, the owner's text on one line.
    private func write(_ owner: String) {
        let line = Array("\(getpid()) \(owner.replacing("\n", with: " "))\n".utf8)
        // The text only serves the message to the next opener: without room for it the lock holds all the same.
        guard ftruncate(descriptor, 0) == 0 else { return }
        _ = unsafe pwrite(descriptor, line, line.count, 0)
    }

    private static func text(_ path: String) -> (pid: Int32, owner: String) {
        guard let file = try? Disk.File(path, O_RDONLY), let bytes = try? file.read(4096, at: 0) else { return (0, "") }
        let line = String(decoding: bytes.prefix { $0 != 10 }, as: UTF8.self)
        let parts = line.split(separator: " ", maxSplits: 1)
        return (parts.first.flatMap { Int32($0) } ?? 0, parts.count > 1 ? String(parts[1]) : "")
    }
}
