import CPosix
import Glibc
import Support

/// What `neuronfs sync` asks of a mount's process, by SIGUSR1 and the number that sigqueue(3) sends with it.
enum SyncRequest: Int32 {
    /// Fetch the list of cells; also what a plain `kill -USR1` asks for.
    case refresh = 0
    /// The same, and take it although it lacks much of what is known.
    case acceptingLosses = 1

    /// Blocks the signal in this thread and all it starts, as ``next(within:)`` needs it.
    static func block() {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGUSR1)
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Sends it to the process `pid`.
    func send(to pid: pid_t) throws(Errno) {
        let code = posix_send_signal(pid, SIGUSR1, rawValue)
        guard code == 0 else { throw Errno(rawValue: -code) }
    }

    /// Waits for the next, `seconds` at most.
    static func next(within seconds: Double) -> SyncRequest? {
        var value: Int32 = 0
        guard unsafe posix_wait_for_signal([SIGUSR1], 1, seconds, &value) > 0 else { return nil }
        return SyncRequest(rawValue: value) ?? .refresh
    }
}
