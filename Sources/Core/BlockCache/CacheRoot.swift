import Glibc
import Support

/// The cache's directory: found by its path once and held open, until it turns out to be deleted or replaced.
final class CacheRoot: Sendable {
    let path: String
    private let present = Monitor<DirectoryHandle?>(nil)

    init(path: String) { self.path = path }

    /// The directory, opened on first use.
    func handle() throws(FileFault) -> DirectoryHandle {
        try present.withLock { present throws(FileFault) in
            if let present { return present }
            let opened = try DirectoryHandle(path)
            present = opened
            return opened
        }
    }

    /// Opens the directory that the path leads to now, and makes it where it is not there and its parent is.
    func renew() throws(FileFault) {
        let opened = try DirectoryHandle(making: path)
        present.withLock { $0 = opened }
    }

    /// Lets go of the directory. The next use looks for it by its path.
    func forget() { present.withLock { $0 = nil } }

    /// The names in the directory, or below it in `name`; of a directory that is not there, none.
    func names(in name: String = ".") throws(FileFault) -> [String] {
        do throws(FileFault) {
            return try handle().names(in: name)
        } catch {
            guard case .system(Errno(rawValue: ENOENT)) = error.cause else { throw error }
            return []
        }
    }

    /// Tells one version of the file `name` from another; nil without a file.
    func version(of name: String) throws(FileFault) -> FileStatus? {
        do throws(FileFault) {
            return try handle().status(name)
        } catch {
            if error.isMissing { return nil }
            throw error
        }
    }
}
