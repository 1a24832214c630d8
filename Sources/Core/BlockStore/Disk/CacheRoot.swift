import Glibc
import Support

/// The directory of a cache: found by its path once and held open until it is found to be deleted or replaced.
final class CacheRoot: Sendable {
    let path: String
    private let present = Monitor<DirectoryHandle?>(nil)

    init(path: String) { self.path = path }

    /// The directory if it is open. Never waits.
    var opened: DirectoryHandle? { present.withLock { $0 } }

    /// The directory, opened on first use.
    func handle() throws(FileFault) -> DirectoryHandle {
        if let opened { return opened }
        // Opened without the lock: ``opened`` must not wait for a device.
        let fresh = try DirectoryHandle(path)
        return present.withLock { present in
            let first = present ?? fresh
            present = first
            return first
        }
    }

    /// Opens the directory that the path leads to now. Makes it where it is missing and its parent is there.
    func renew() throws(FileFault) {
        let opened = try DirectoryHandle(making: path)
        present.withLock { $0 = opened }
    }

    /// Closes the directory. The next use finds it by its path.
    func forget() { present.withLock { $0 = nil } }

    /// The names in the directory, or in `name` below it. None for a directory that is not there.
    func names(in name: String = ".") throws(FileFault) -> [String] {
        do throws(FileFault) {
            return try handle().names(in: name)
        } catch {
            guard case .system(Errno(rawValue: ENOENT)) = error.cause else { throw error }
            return []
        }
    }

    /// The status of the file `name`, by which a caller sees whether it was replaced. Nil without a file.
    func version(of name: String) throws(FileFault) -> FileStatus? {
        do throws(FileFault) {
            return try handle().status(name)
        } catch {
            if error.isMissing { return nil }
            throw error
        }
    }
}
