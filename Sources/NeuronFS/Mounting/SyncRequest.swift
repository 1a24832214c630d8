import CPosix
import Glibc
import Support

/// A request of `neuronfs sync` to a mount's process: SIGUSR1 with a number, sent by sigqueue(3).
enum SyncRequest: Int32 {
    /// Fetch the list of cells. A plain `kill -USR1` asks for the same.
    case refresh = 0
    /// The same, and take the list although it lacks many known cells or files.
    case acceptingLosses = 1

    /// Blocks the signal in this thread and in all threads that it starts, as ``next(within:)`` needs.
    static func block() {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGUSR1)
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Sends the request to the process `pid`.
    func send(to pid: pid_t) throws(Errno) {
        let code = posix_send_signal(pid, SIGUSR1, rawValue)
        guard code == 0 else { throw Errno(rawValue: -code) }
    }

    /// Waits for the next request, `seconds` at most.
    static func next(within seconds: Double) -> SyncRequest? {
        var value: Int32 = 0
        guard unsafe posix_wait_for_signal([SIGUSR1], 1, seconds, &value) > 0 else { return nil }
        return SyncRequest(rawValue: value) ?? .refresh
    }
}
