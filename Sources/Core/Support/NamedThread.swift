internal import CPosix
import Glibc

/// A named POSIX thread, which may be joined. The serving path uses threads, not tasks: two blocked tasks exhaust the
/// cooperative pool of a two-core machine.
@safe public final class NamedThread: @unchecked Sendable {
    // Sendable: `handle` is written once in init, before the object escapes.
    private var handle = pthread_t()
    private let joined = Monitor(false)

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts a thread that runs `body`.
    ///
    /// - Parameter name: shown by `ps -T` and debuggers; the kernel keeps 15 bytes.
    public init(_ name: String, body: @escaping @Sendable () -> Void) {
        let start = Start(name: String(name.prefix(15)), body: body)
        let context = unsafe Unmanaged.passRetained(start).toOpaque()
        let code = unsafe pthread_create(
            &handle, nil,
            { context in
                guard let context = unsafe context else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
                unsafe posix_name_current_thread(start.name)
                start.body()
                return nil
            }, context)
        precondition(code == 0, "pthread_create failed with errno \(code): the process may have no more threads")
    }

    /// Blocks until the thread has ended. Further calls return at once.
    public func join() {
        let first = joined.withLock { done in
            defer { done = true }
            return !done
        }
        if first { pthread_join(handle, nil) }
    }

    /// A thread nobody joined gives its stack back when it ends: some end by their own last reference, as a transport
    /// that is shut down from a completion.
    deinit {
        if !joined.withLock({ done in done }) { pthread_detach(handle) }
    }
}
