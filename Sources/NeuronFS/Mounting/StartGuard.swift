import CPosix
import Glibc
import Support

/// Ends the process at once when a signal asks for it while a mount starts.
///
/// The start waits for its disk, which may hang, and for the origin. A thread that waits in the kernel for a disk does not
/// run a handler; so another thread waits for the signals. Until the mount is made there is nothing to take down: the cache
/// and the catalogue bear the death of their process at any moment.
final class StartGuard: Sendable {
    private let isOver = Monitor(false)

    /// How long the thread is there after ``dismiss()`` at most, in seconds.
    private static let pause = 0.05

    /// Begins to guard.
    ///
    /// - Parameter reportsReadiness: whether a command waits for word on ``Readiness/descriptor``.
    init(reportsReadiness: Bool) throws(Failure) {
        do throws(ThreadError) {
            _ = try NamedThread("start-guard") { [isOver] in Self.wait(until: isOver, reportsReadiness) }
        } catch {
            throw Failure(sentence: "\(error)")
        }
    }

    /// From now on the signals are left to others; one that has come meanwhile stays pending.
    func dismiss() { isOver.withLock { $0 = true } }

    private static func wait(until isOver: Monitor<Bool>, _ reportsReadiness: Bool) {
        let signals = DaemonSignals.ending
        while !isOver.withLock({ $0 }) {
            var value: Int32 = 0
            let number = unsafe posix_wait_for_signal(signals, Int32(signals.count), pause, &value)
            guard number > 0 else { continue }
            isOver.withLock { isOver in
                guard isOver else { end(reportsReadiness) }
                kill(getpid(), number)
            }
        }
    }

    private static func end(_ reportsReadiness: Bool) -> Never {
        if reportsReadiness { Readiness.report(.failure(Signals.stopped)) }
        Output.error(Signals.stopped.sentence)
        // Not `exit`, which waits for what the other threads hold.
        _exit(Signals.stopped.code)
    }
}
