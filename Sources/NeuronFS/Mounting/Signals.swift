import Glibc

/// The signals that end a process politely: SIGINT, SIGTERM, SIGHUP.
///
/// They are blocked before any thread is started, so that every thread inherits the block and only the main thread,
/// which unblocks or waits for them, gets them.
struct Signals {
    private var set: sigset_t
    private var previous: sigset_t

    static func blockEnding() -> Signals {
        var set = sigset_t()
        var previous = sigset_t()
        unsafe sigemptyset(&set)
        for signal in [SIGINT, SIGTERM, SIGHUP] { unsafe sigaddset(&set, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, &previous)
        // A peer that closes a connection must not end the process.
        signal(SIGPIPE, SIG_IGN)
        return Signals(set: set, previous: previous)
    }

    /// Lets the calling thread have the signals again.
    mutating func unblock() { unsafe pthread_sigmask(SIG_SETMASK, &previous, nil) }

    /// Blocks until one of the signals comes.
    func wait() {
        var set = set
        var number: Int32 = 0
        while unsafe sigwait(&set, &number) != 0 {}
    }
}
