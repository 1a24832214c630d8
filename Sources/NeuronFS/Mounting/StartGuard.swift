import CPosix
import Glibc
import Support

/// Ends the process at once when a signal asks for it while a mount starts.
///
/// The start waits for the server and for its disk, which may hang. A thread that waits in the kernel for a disk does not run
/// a handler, so another thread waits for the signals. Until the mount is made the process may end at any moment: cache and
/// catalogue stay sound.
final class StartGuard: Sendable {
    private let isOver = Monitor(false)

    /// Longest time that the thread runs after ``dismiss()``, seconds.
    private static let pause = 0.05

    /// Starts the thread.
    ///
    /// - Parameter reportsReadiness: whether a command waits for a line on ``Readiness/descriptor``.
    init(reportsReadiness: Bool) throws(Failure) {
        do throws(ThreadError) {
            _ = try NamedThread("start-guard") { [isOver] in Self.wait(until: isOver, reportsReadiness) }
        } catch {
            throw Failure(sentence: "\(error)")
        }
    }

    /// Leaves the signals to other threads from now on. One that has arrived stays pending.
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
        // Not `exit`, which may wait for locks of other threads.
        _exit(Signals.stopped.code)
    }
}
