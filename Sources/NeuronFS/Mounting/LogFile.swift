import Glibc
import Support

/// The log file of a daemon.
enum LogFile {
    /// Opens a log file for appending. One that has its size is set aside, as ``LogSink`` does while a mount runs.
    static func open(_ path: String) throws(Failure) -> Int32 {
        do throws(Errno) {
            if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
                try makeDirectories(String(path[..<slash]), mode: 0o700)
            }
            var status = stat()
            if unsafe stat(path, &status) == 0, status.st_size >= LogSink.rotationSize {
                unsafe rename(path, path + ".1")
            }
            return try Support.openFile(path, flags: O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
        } catch {
            throw Failure(sentence: "cannot write the log file \(path): \(error)")
        }
    }
}
