import CPosix
import Glibc

/// The reaction of a mount's process to every signal whose default action ends a process (signal(7)), so that the log names
/// the signal that ended a mount. SIGKILL leaves a dead mount for the next command. The C library uses 32 and 33 itself.
enum DaemonSignals {
    /// The mount ends, and the log names the signal.
    static let ending = [SIGHUP, SIGINT, SIGTERM]
    /// The same for Ctrl-\ at a terminal, and for the limit on processor time, which the kernel signals each second.
    static let likeTermination = [SIGQUIT, SIGXCPU]
    /// They mean nothing to a mount, or an error of the system call says the same: EPIPE, EFBIG.
    static let ignored =
        [SIGPIPE, SIGXFSZ, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT]
        + Array(posix_first_realtime_signal()...posix_last_realtime_signal())
    /// A fault of the program, or a request for a core file: the log gets a trace, then the process ends by the signal.
    static let traced = [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS]
    // SIGUSR1 asks for the list of cells (``SyncRequest``).

    /// Sets all but those of ``ending``, which are blocked (``Signals/blockEnding()``) until the mount is up.
    static func apply() {
        unsafe posix_ignore_signals(ignored, Int32(ignored.count))
        for number in likeTermination {
            // Without SA_RESTART, because the system call in which libfuse's loop waits must return for the loop to end.
            var action = sigaction()
            unsafe action.__sigaction_handler.sa_handler = { _ in kill(getpid(), SIGTERM) }
            unsafe sigaction(number, &action, nil)
        }
        _ = unsafe posix_add_signal_stack()
        unsafe posix_trace_crashes(traced, Int32(traced.count), STDERR_FILENO, "neuronfs-\(Version.text)")
    }

    /// Seconds that a process has to end in order after its mount has ended. It takes a fraction of one, but without end
    /// where no thread can be made: libdispatch waits for one to dispose of the catalogue's queues. `neuronfs umount`
    /// waits for 15 s.
    private static let endAllowance: UInt32 = 4

    /// Ends the process after a time, even when it waits without end for a disk, or for a thread of libdispatch. Its mount has
    /// ended. Cache and catalogue stay sound, and the next mount can use them.
    static func endAnyway() {
        signal(SIGALRM) { _ in
            let text: StaticString =
                "neuronfs: the process did not end in time after its mount; it ends at once\n"
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
