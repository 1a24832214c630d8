import Glibc
import Support

/// The log file of a daemon.
enum LogFile {
    /// Opens a log file for appending. A file that has reached its largest size is renamed, as ``LogSink`` does while a mount
    /// runs.
    ///
    /// - Parameter isChosen: whether the user named this file. It may then be a link or a device. Else it must be a file of its
    ///   directory's owner.
    static func open(_ path: String, isChosen: Bool) throws(Failure) -> Int32 {
        do throws(Errno) {
            if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
                try makeDirectories(String(path[..<slash]), mode: 0o700)
            }
        } catch {
            throw failure(path, "\(error)")
        }
        return try isChosen ? openChosen(path) : openOwn(path)
    }

    private static func openOwn(_ path: String) throws(Failure) -> Int32 {
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        let name = String(path[path.index(after: slash)...])
        do throws(FileFault) {
            let directory = try DirectoryHandle(String(path[..<slash]))
            let flags = O_WRONLY | O_CREAT | O_APPEND
            var file = try directory.open(name, flags)
            if file.opened.size >= LogSink.rotationSize {
                try directory.rename(name, to: "\(name).1")
                file = try directory.open(name, flags)
            }
            return file.release()
        } catch {
            throw failure(path, "\(error)")
        }
    }

    private static func openChosen(_ path: String) throws(Failure) -> Int32 {
        do throws(Errno) {
            var status = stat()
            if unsafe stat(path, &status) == 0, status.st_size >= LogSink.rotationSize {
                unsafe rename(path, path + ".1")
            }
            return try Support.openFile(path, flags: O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
        } catch {
            throw failure(path, "\(error)")
        }
    }

    private static func failure(_ path: String, _ reason: String) -> Failure {
        Failure(sentence: "cannot write the log file \(path): \(reason)")
    }
}
