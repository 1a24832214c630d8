import Glibc
import Support

/// Tells the command that started a daemon that the mount is usable, or why it is not: one line on descriptor 3, `ready` or
/// `failed <code> <sentence>`.
enum Readiness {
    /// The descriptor in the daemon.
    static let descriptor: Int32 = 3

    static func report(_ outcome: Result<Void, Failure>) {
        let line: String =
            switch outcome {
            case .success: "ready\n"
            case .failure(let failure): "failed \(failure.code) \(OutsideText.line(failure.sentence))\n"
            }
        do throws(Errno) {
            try writeAll(Array(line.utf8), to: descriptor)
        } catch {
            // The command that started this daemon has stopped waiting. The mount works all the same.
        }
        close(descriptor)
    }

    /// Waits for the line of the daemon `pid` on `source`.
    ///
    /// - Parameter signals: blocked. They do not reach the session of the daemon, so this function ends it when one arrives.
    /// - Throws: the daemon's error, that it takes longer than `seconds`, or `Failure` 130 after a signal.
    static func wait(on source: Int32, daemon pid: pid_t, seconds: Double, signals: Signals) throws(Failure) {
        let deadline = Instant.now.advanced(bySeconds: seconds)
        var text: [UInt8] = []
        while !text.contains(UInt8(ascii: "\n")) {
            guard !signals.arrived(within: 0) else {
                // A second signal does not wait for the daemon.
                signals.unblock()
                end(pid)
                throw Signals.stopped
            }
            let left = deadline.seconds(since: .now)
            guard left > 0 else {
                end(pid)
                throw Failure(sentence: "the mount did not come up within \(Int(seconds)) s; see the log file")
            }
            var poll = pollfd(fd: source, events: Int16(POLLIN), revents: 0)
            guard unsafe Glibc.poll(&poll, 1, Int32(min(left, 0.1) * 1000) + 1) > 0 else { continue }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(source, $0.baseAddress, $0.count) }
            guard count > 0 else {
                throw Failure(
                    sentence: "the mount's process ended (exit code \(Subprocess.wait(for: pid))); see the log file")
            }
            text.append(contentsOf: buffer[..<count])
        }
        let fields = String(decoding: text.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
            .split(separator: " ", maxSplits: 2)
        guard fields.first != "ready" else { return }
        _ = Subprocess.wait(for: pid)
        throw Failure(
            sentence: fields.count == 3 ? String(fields[2]) : "the mount failed; see the log file",
            code: fields.count == 3 ? Int32(fields[1]) ?? 1 : 1)
    }

    /// Seconds that a daemon has to end after SIGTERM.
    private static let endAllowance = 10.0

    /// Ends the daemon `pid`, politely first.
    private static func end(_ pid: pid_t) {
        kill(pid, SIGTERM)
        let deadline = Instant.now.advanced(bySeconds: endAllowance)
        while MountProcess.isRunning(Int(pid)), Instant.now < deadline { usleep(10_000) }
        // A daemon that has ended keeps its number until `wait`.
        kill(pid, SIGKILL)
        // A daemon that waits for its disk without end would make `wait` wait, too.
        if !MountProcess.isRunning(Int(pid)) { _ = Subprocess.wait(for: pid) }
    }
}
