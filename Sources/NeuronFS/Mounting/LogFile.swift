import Glibc
import Support

/// The log file of a daemon.
enum LogFile {
    /// A file larger than this (16 MiB) is set aside as `<file>.1` when a mount starts.
    private static let rotationSize = 16 << 20

    /// Opens a log file for appending.
    static func open(_ path: String) throws(Failure) -> Int32 {
        do throws(Errno) {
            if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
                try makeDirectories(String(path[..<slash]), mode: 0o700)
            }
            var status = stat()
            if unsafe stat(path, &status) == 0, status.st_size > rotationSize { unsafe rename(path, path + ".1") }
            return try Support.openFile(path, flags: O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
        } catch {
            throw Failure(sentence: "cannot write the log file \(path): \(error)")
        }
    }
}
