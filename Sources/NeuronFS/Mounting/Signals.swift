import Glibc

/// The signals that end a process politely: SIGINT, SIGTERM, SIGHUP.
///
/// They are blocked before any thread is started, so that every thread inherits the block. Only the main thread, which
/// unblocks or waits for them, gets them.
struct Signals: Sendable {
    private let set: sigset_t
    private let previous: sigset_t

    static func blockEnding() -> Signals {
        var set = Self.set(of: DaemonSignals.ending)
        var previous = sigset_t()
        unsafe pthread_sigmask(SIG_BLOCK, &set, &previous)
        // A peer that closes a connection must not end the process.
        signal(SIGPIPE, SIG_IGN)
        return Signals(set: set, previous: previous)
    }

    /// Lets the calling thread have the signals again.
    func unblock() {
        var previous = previous
        unsafe pthread_sigmask(SIG_SETMASK, &previous, nil)
    }

    /// Waits until one of the signals arrives.
    func wait() {
        var set = set
        var number: Int32 = 0
        while unsafe sigwait(&set, &number) != 0 {}
    }

    /// Whether one of the signals arrives within `seconds`.
    func arrived(within seconds: Double) -> Bool {
        var set = set
        var limit = timespec(tv_sec: Int(seconds), tv_nsec: Int((seconds - seconds.rounded(.down)) * 1e9))
        return unsafe sigtimedwait(&set, nil, &limit) > 0
    }

    /// Whether one of the signals, which ``blockEnding()`` has blocked, has arrived.
    static var endingIsPending: Bool {
        var pending = sigset_t()
        guard unsafe sigpending(&pending) == 0 else { return false }
        return DaemonSignals.ending.contains { signal in unsafe sigismember(&pending, signal) == 1 }
    }

    /// The end of a mount that was stopped while it started.
    static let stopped = Failure(sentence: "stopped before the mount was up", code: 130)

    private static func set(of signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        return set
    }
}
