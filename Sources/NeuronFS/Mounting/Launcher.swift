import CPosix
import Glibc
import Support

/// Starts a mount in the background and waits until it is usable.
enum Launcher {
    /// Runs this program again as a daemon with `arguments` and returns when the mount answers.
    ///
    /// - Parameters:
    ///   - settings: the texts of the daemon's settings, by name.
    ///   - path: the mount point, absolute.
    ///   - isLogChosen: whether the user named the log file.
    ///   - seconds: the time that the daemon may take.
    /// - Throws: why there is no mount; `Failure` 130 when a signal stopped it.
    static func start(
        _ arguments: [String], settings: [String: String], path: String, logFile: String, isLogChosen: Bool,
        seconds: Double
    ) throws(Failure) {
        // Before the signals are blocked, because the log's disk may hang.
        let log = try LogFile.open(logFile, isChosen: isLogChosen)
        defer { close(log) }
        let signals = Signals.blockEnding()
        defer { signals.unblock() }
        var ends: [Int32] = [0, 0]
        let code = unsafe posix_pipe(&ends)
        guard code == 0 else { throw Failure(sentence: "cannot make a pipe: \(Errno(rawValue: -code))") }
        let pid: pid_t
        do throws(Errno) {
            defer { close(ends[1]) }
            let document = try Handover.document(settings)
            defer { close(document) }
            pid = try Subprocess.startDaemon(arguments, settings: document, readyDescriptor: ends[1], errors: log)
        } catch {
            close(ends[0])
            throw Failure(sentence: "cannot start the mount's process: \(error)")
        }
        defer { close(ends[0]) }
        try Readiness.wait(on: ends[0], daemon: pid, seconds: seconds, signals: signals)
        signals.unblock()
        guard let directory = unsafe OwnerRights.withOwn({ unsafe opendir(path) }) else {
            throw Failure(sentence: "the mount on \(path) does not answer: \(Errno.current)")
        }
        unsafe closedir(directory)
    }
}
