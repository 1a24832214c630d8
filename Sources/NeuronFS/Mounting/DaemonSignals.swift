import CPosix
import Glibc

/// What a mount's process does about every signal whose default action ends a process (signal(7)), so that none ends a mount
/// without a word. SIGKILL ends it, with its dead mount left for the next command; the 32 and 33 are the C library's own.
enum DaemonSignals {
    /// The mount is taken down, and the log names the signal.
    static let ending = [SIGHUP, SIGINT, SIGTERM]
    /// The same: Ctrl-\ at a terminal, and the limit on processor time, of which the kernel reminds each second.
    static let likeTermination = [SIGQUIT, SIGXCPU]
    /// Nobody sends them with a meaning for a mount, or an error of the system call says the same: EPIPE, EFBIG.
    static let ignored =
        [SIGPIPE, SIGXFSZ, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT]
        + Array(posix_first_realtime_signal()...posix_last_realtime_signal())
    /// A fault of the program, or somebody who wants a core: a trace goes to the log, then the process ends by the signal.
    static let traced = [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS]
    // SIGUSR1 asks for the list of cells (``SyncRequest``).

    /// Sets all but those of ``ending``, which are blocked (``Signals/blockEnding()``) until the mount is up.
    static func apply() {
        unsafe posix_ignore_signals(ignored, Int32(ignored.count))
        for number in likeTermination {
            // Without SA_RESTART: libfuse's loop waits in a call that has to come back for it to see the end.
            var action = sigaction()
            unsafe action.__sigaction_handler.sa_handler = { _ in kill(getpid(), SIGTERM) }
            unsafe sigaction(number, &action, nil)
        }
        _ = unsafe posix_add_signal_stack()
        unsafe posix_trace_crashes(traced, Int32(traced.count), STDERR_FILENO, "neuronfs-\(Version.text)")
    }

    /// Seconds that a process has to end in order once its mount is gone. It takes a fraction of one.
    private static let endAllowance: UInt32 = 10

    /// Sees to it that the process, whose mount is gone, ends also when it waits for what does not come: a disk that hangs, or
    /// libdispatch for a thread. Cache and catalogue bear that, and the next mount can have them.
    static func endAnyway() {
        signal(SIGALRM) { _ in
            let text: StaticString =
                "neuronfs: the process does not come to its end after the mount's; it ends at once\n"
            unsafe write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
            _exit(EXIT_FAILURE)
        }
        alarm(endAllowance)
    }

    /// The name of a signal of ``ending``.
    static func name(_ number: Int32) -> String {
        switch number {
        case SIGHUP: "SIGHUP"
        case SIGINT: "SIGINT"
        case SIGTERM: "SIGTERM"
        default: "signal \(number)"
        }
    }
}
