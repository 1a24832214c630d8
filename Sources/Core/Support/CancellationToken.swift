/// Carries a cancellation from the reader that was interrupted down to the HTTP request that can stop.
///
/// It also carries the id by which the log follows a request from `read(2)` to HTTP.
package final class CancellationToken: Sendable {
    private struct State {
        var isCancelled = false
        var handlers: [@Sendable () -> Void] = []
        /// The objects that have registered a handler for all their work under this token.
        var owners: Set<ObjectIdentifier> = []
    }

    private let state = Monitor(State())

    /// Identifies the file system request in every log line that it causes; 0 for work that no request asked for.
    package let requestID: UInt64

    /// The urgency of the work: ``Lane/prefetch`` when the request says that no reader waits for it.
    package let lane: Lane

    /// A token that is not cancelled.
    package init(requestID: UInt64 = 0, lane: Lane = .demand) {
        self.requestID = requestID
        self.lane = lane
    }

    /// Whether ``cancel()`` has been called.
    package var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Calls `handler` once, on cancellation. After a cancellation it is called at once.
    package func onCancel(_ handler: @escaping @Sendable () -> Void) {
        let runNow = state.withLock { state in
            if state.isCancelled { return true }
            state.handlers.append(handler)
            return false
        }
        if runNow { handler() }
    }

    /// Calls `handler` once, on cancellation, for all work of `owner` under this token. While the owner has a handler,
    /// further ones are not kept. After a cancellation it is called at once.
    ///
    /// - Parameter owner: must outlive the use of the token, because its address identifies it.
    package func onCancel(for owner: AnyObject, _ handler: @escaping @Sendable () -> Void) {
        let runNow = state.withLock { state in
            if state.isCancelled { return true }
            if state.owners.insert(ObjectIdentifier(owner)).inserted { state.handlers.append(handler) }
            return false
        }
        if runNow { handler() }
    }

    /// Runs every handler once, outside the lock. Further calls do nothing.
    package func cancel() {
        let handlers = state.withLock { state -> [@Sendable () -> Void] in
            guard !state.isCancelled else { return [] }
            state.isCancelled = true
            defer { (state.handlers, state.owners) = ([], []) }
            return state.handlers
        }
        for handler in handlers { handler() }
    }

    /// Drops the handlers, because the work is done and they must not keep their captures alive.
    package func finish() { state.withLock { ($0.handlers, $0.owners) = ([], []) } }
}
