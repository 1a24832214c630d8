internal import CPosix
import Glibc

/// Why a thread could not be created.
package struct ThreadError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The name that the thread would have had.
    package let name: String
    /// The error of pthread_create: `EAGAIN` at a limit.
    package let cause: Errno

    /// A failure to create the thread `name`.
    package init(name: String, cause: Errno) {
        self.name = name
        self.cause = cause
    }

    /// What is wrong and what to do about it.
    package var description: String {
        "the thread \"\(name)\" could not be made: \(cause); allow this user more processes and threads (ulimit -u, or "
            + "pids.max of the container) and try again"
    }
}

/// A named POSIX thread, which may be joined. Requests are served by threads and not by tasks: on a machine with two
/// cores, two blocked tasks exhaust the cooperative pool.
@safe package final class NamedThread: @unchecked Sendable {
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
    /// - Throws: ``ThreadError`` when the process may have no more threads, or there is no memory for one.
    package init(_ name: String, body: @escaping @Sendable () -> Void) throws(ThreadError) {
        let start = Start(name: String(name.prefix(15)), body: body)
        let context = unsafe Unmanaged.passRetained(start).toOpaque()
        let code = unsafe pthread_create(
            &handle, nil,
            { context in
                guard let context = unsafe context else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
                unsafe posix_name_current_thread(start.name)
                let stack = unsafe posix_add_signal_stack()
                defer { unsafe posix_remove_signal_stack(stack) }
                start.body()
                return nil
            }, context)
        guard code == 0 else {
            unsafe Unmanaged<Start>.fromOpaque(context).release()
            // There is no thread that `deinit` could detach.
            joined.withLock { $0 = true }
            throw ThreadError(name: name, cause: Errno(rawValue: code))
        }
    }

    /// Blocks until the thread has ended. Further calls return at once.
    package func join() {
        let first = joined.withLock { done in
            defer { done = true }
            return !done
        }
        if first { pthread_join(handle, nil) }
    }

    /// A thread that nothing joins returns its stack when it ends. Some threads release their own last reference, such
    /// as that of a transport that a completion shuts down.
    deinit {
        if !joined.withLock({ done in done }) { pthread_detach(handle) }
    }
}
