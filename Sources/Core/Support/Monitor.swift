import Glibc

/// A mutex with a condition variable around `State`.
///
/// It uses pthread for three reasons. `Synchronization.Mutex` in Swift 6.3.1 collapses under contention on Linux
/// (swiftlang/swift#88440). ThreadSanitizer reports false races on it. It has no condition variable. Lock order, when
/// two locks are held: a flight table before a cache index. No code outside is called under a lock.
///
/// `State` is no function and no optional function: Swift passes a function to generic code in a wrapper, so each use of the
/// lock would put a further wrapper around it. Memory and stack would grow with every use. A structure is stored as it is.
@safe package final class Monitor<State>: @unchecked Sendable {
    // Sendable: `state` is used only while `mutex` is held.
    private var state: State
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    /// Wraps `state`. The condition variable counts time on the monotonic clock.
    package init(_ state: State) {
        self.state = state
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    /// Runs `body` with exclusive access to the state.
    package func withLock<R, E: Error>(_ body: (inout State) throws(E) -> R) throws(E) -> R {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// `withLock`, then wakes every waiter.
    package func update<R>(_ body: (inout State) -> R) -> R {
        unsafe pthread_mutex_lock(mutex)
        defer {
            unsafe pthread_cond_broadcast(condition)
            unsafe pthread_mutex_unlock(mutex)
        }
        return body(&state)
    }

    /// Blocks until `body` returns a value. Must not be called on a FUSE or transport thread.
    package func wait<R>(_ body: (inout State) -> R?) -> R {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) { return result }
            unsafe pthread_cond_wait(condition, mutex)
        }
    }

    /// Blocks until `body` returns a value or `deadline` has passed; returns `nil` after the deadline.
    package func wait<R>(until deadline: Instant, _ body: (inout State) -> R?) -> R? {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        var limit = timespec(
            tv_sec: Int(deadline.nanoseconds / 1_000_000_000), tv_nsec: Int(deadline.nanoseconds % 1_000_000_000))
        while true {
            if let result = body(&state) { return result }
            if unsafe pthread_cond_timedwait(condition, mutex, &limit) == ETIMEDOUT { return body(&state) }
        }
    }
}

/// The state of a ``Monitor`` that guards an order of actions and no value.
///
/// It is not `Void`: for an empty state, ThreadSanitizer watches an address that is that of the next field.
package struct Turn: Sendable {
    private let place: UInt8 = 0

    /// The initial state.
    package init() {}
}
