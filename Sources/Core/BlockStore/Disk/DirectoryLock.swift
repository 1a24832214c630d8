import CPosix
import Glibc
import Support

/// Ownership of a cache directory: an advisory lock on its file `lock`, whose text names the holder.
///
/// The kernel drops the lock when the process ends in any way, so a lock file without a lock is free. A forked child shares
/// the lock: open a store after becoming a daemon, or the text names the parent.
final class DirectoryLock: Sendable {
    private static let name = "lock"

    private let file: CheckedFile
    /// The lock file as the directory's path leads to it.
    private let path: String

    private init(file: consuming CheckedFile, path: String) {
        self.file = file
        self.path = path
    }

    enum Attempt {
        case acquired(DirectoryLock)
        case held(pid: Int32, owner: String)
        case failed(FileFault)
    }

    /// Tries for a fifth of a second, because ``holder(_:)`` takes the lock for an instant.
    static func acquire(_ root: CacheRoot, owner: String) -> Attempt {
        do throws(FileFault) {
            let file = try root.handle().open(name, O_RDWR | O_CREAT)
            var result = posix_flock_exclusive(file.descriptor, 0)
            for _ in 1..<10 where -result == EWOULDBLOCK {
                usleep(20_000)
                result = posix_flock_exclusive(file.descriptor, 0)
            }
            if -result == EWOULDBLOCK {
                let holder = text(file)
                return .held(pid: holder.pid, owner: holder.owner)
            }
            guard result == 0 else { throw FileFault(name, Errno(rawValue: -result)) }
            // The process that held the lock may have removed the file meanwhile; then the lock protects nothing.
            let lock = DirectoryLock(file: file, path: "\(root.path)/\(name)")
            guard lock.isCurrent else { throw FileFault(name, Errno(rawValue: ESTALE)) }
            lock.write(owner)
            return .acquired(lock)
        } catch {
            return .failed(error)
        }
    }

    /// The process that has the lock now, nil when it is free.
    static func holder(_ root: CacheRoot) throws(FileFault) -> (pid: Int32, owner: String)? {
        do throws(FileFault) {
            // NFS locks only files open for writing. On a local disk a reader may try, too.
            return try holder(root, O_RDWR)
        } catch {
            switch error.cause {
            case .system(Errno(rawValue: EACCES)), .system(Errno(rawValue: EROFS)): return try holder(root, O_RDONLY)
            default:
                if error.isMissing { return nil }
                throw error
            }
        }
    }

    private static func holder(_ root: CacheRoot, _ flags: Int32) throws(FileFault) -> (pid: Int32, owner: String)? {
        let file = try root.handle().open(name, flags)
        return -posix_flock_exclusive(file.descriptor, 0) == EWOULDBLOCK ? text(file) : nil
    }

    /// Whether the directory's path still leads to the file that was locked.
    var isCurrent: Bool {
        var ours = stat()
        var present = stat()
        guard unsafe fstat(file.descriptor, &ours) == 0, unsafe lstat(path, &present) == 0 else { return false }
        return ours.st_ino == present.st_ino && ours.st_dev == present.st_dev
    }

    /// The pid in decimal, a space, the owner's text on one line.
    private func write(_ owner: String) {
        let line = Array("\(getpid()) \(owner.replacing("\n", with: " "))\n".utf8)
        // The text only serves the message to the next opener. Without room for it the lock is held all the same.
        guard ftruncate(file.descriptor, 0) == 0 else { return }
        _ = unsafe pwrite(file.descriptor, line, line.count, 0)
    }

    private static func text(_ file: borrowing CheckedFile) -> (pid: Int32, owner: String) {
        guard let bytes = try? file.read(4096, at: 0) else { return (0, "") }
        let line = String(decoding: bytes.prefix { $0 != 10 }, as: UTF8.self)
        let parts = line.split(separator: " ", maxSplits: 1)
        return (parts.first.flatMap { Int32($0) } ?? 0, parts.count > 1 ? String(parts[1]) : "")
    }
}
