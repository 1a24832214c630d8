internal import Glibc
internal import Support

/// Whether a process that waits in a read was asked to end, or has ended.
///
/// The kernel reports every signal that has a handler, also SIGCHLD and SIGALRM. Answering those with `EINTR` would
/// fail reads that a disk would not fail, and would end a process that reads a memory map with SIGBUS. So a read is
/// given up only for the signals by which users end programs.
enum PendingSignals {
    /// SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGTERM as bits of the masks in /proc/<pid>/status.
    private static let ending: UInt64 = [SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGTERM].reduce(0) {
        $0 | 1 << UInt64($1 - 1)
    }

    /// Whether the thread `pid` has ended, so that it waits for nothing. False when this cannot be determined, as for a
    /// process in a namespace that this process does not see.
    static func hasEnded(thread pid: Int32) -> Bool {
        guard pid > 0 else { return false }
        if kill(pid, 0) != 0 { return errno == ESRCH }
        let status: [UInt8]
        do throws(Errno) {
            status = try readWholeFile("/proc/\(pid)/stat")
        } catch {
            return false
        }
        // proc(5): number, name in brackets (which may itself contain brackets), state. Z is a process whose parent has
        // not noticed its end.
        let text = String(decoding: status, as: UTF8.self)
        return text.split(separator: ")").last?.hasPrefix(" Z") == true
    }

    /// Whether one of these signals is pending for the thread `pid` or its process, and neither blocked nor ignored.
    /// Nil when this cannot be determined: the thread may have ended or be in another namespace.
    static func asksToEnd(thread pid: Int32) -> Bool? {
        do throws(Errno) {
            return asksToEnd(status: String(decoding: try readWholeFile("/proc/\(pid)/status"), as: UTF8.self))
        } catch {
            return nil
        }
    }

    /// The same from the text of a /proc/<pid>/status.
    private static func asksToEnd(status: String) -> Bool? {
        // proc(5): SigPnd is for the thread, ShdPnd for the whole process. Both are hexadecimal, and bit n-1 is signal
        // n.
        var masks: [Substring: UInt64] = [:]
        for line in status.split(separator: "\n") where line.hasPrefix("S") {
            let words = line.split(separator: "\t")
            guard words.count == 2 else { continue }
            masks[words[0]] = UInt64(words[1], radix: 16)
        }
        guard let own = masks["SigPnd:"], let shared = masks["ShdPnd:"] else { return nil }
        return (own | shared) & ending & ~((masks["SigBlk:"] ?? 0) | (masks["SigIgn:"] ?? 0)) != 0
    }
}
