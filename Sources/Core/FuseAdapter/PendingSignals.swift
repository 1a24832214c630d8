internal import Glibc
internal import Support

/// Whether a process that waits in a read is being asked to end.
///
/// The kernel reports every signal that has a handler, also SIGCHLD and SIGALRM. Answering those with `EINTR` would fail
/// reads that no disk would fail, and end a process that reads a memory map with SIGBUS; so a read is given up only for
/// the signals by which people end programs.
enum PendingSignals {
    /// SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGTERM as bits of the masks in /proc/<pid>/status.
    private static let ending: UInt64 = [SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGTERM].reduce(0) {
        $0 | 1 << UInt64($1 - 1)
    }

    /// Whether one of them is pending for the thread `pid` or its process. True when that cannot be found out: the
    /// thread may be of another namespace or gone, and then nothing is lost by giving up.
    static func asksToEnd(thread pid: Int32) -> Bool {
        let status: [UInt8]
        do throws(Errno) {
            status = try readWholeFile("/proc/\(pid)/status")
        } catch {
            return true
        }
        // proc(5): SigPnd is of the thread, ShdPnd of the whole process; hexadecimal, bit n-1 is signal n.
        for line in String(decoding: status, as: UTF8.self).split(separator: "\n")
        where line.hasPrefix("SigPnd:") || line.hasPrefix("ShdPnd:") {
            let mask = line.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) } ?? 0
            if mask & ending != 0 { return true }
        }
        return false
    }
}
