/// Carries the news that nobody waits for a result any more, from the reader that was interrupted down to the
/// HTTP request that can stop.
///
/// Also carries the id under which a request is followed through the log from `read(2)` to HTTP.
public final class CancellationToken: Sendable {
    private struct State {
        var isCancelled = false
        var handlers: [@Sendable () -> Void] = []
        /// Who has registered a handler for all it does under this token.
        var owners: Set<ObjectIdentifier> = []
    }

    private let state = Monitor(State())

    /// Names the file system request in every log line it causes; 0 for work that no request asked for.
    public let requestID: UInt64

    /// How urgent the work is: ``Lane/prefetch`` when who asked has said that nobody waits for it.
    public let lane: Lane

    /// A token that is not cancelled.
    public init(requestID: UInt64 = 0, lane: Lane = .demand) {
        self.requestID = requestID
        self.lane = lane
    }

    /// Whether ``cancel()`` has been called.
    public var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Calls `handler` once, on cancellation; at once if that has happened already.
    public func onCancel(_ handler: @escaping @Sendable () -> Void) {
        let runNow = state.withLock { state in
            if state.isCancelled { return true }
            state.handlers.append(handler)
            return false
        }
        if runNow { handler() }
    }

    /// Calls `handler` once, on cancellation, for all that `owner` does under this token: while it has a handler, further
    /// ones are not kept. At once if the cancellation has happened already.
    ///
    /// - Parameter owner: outlives the use of the token, because it is known by its address.
    public func onCancel(for owner: AnyObject, _ handler: @escaping @Sendable () -> Void) {
        let runNow = state.withLock { state in
            if state.isCancelled { return true }
            if state.owners.insert(ObjectIdentifier(owner)).inserted { state.handlers.append(handler) }
            return false
        }
        if runNow { handler() }
    }

    /// Runs every handler once, outside the lock. Further calls do nothing.
    public func cancel() {
        let handlers = state.withLock { state -> [@Sendable () -> Void] in
            guard !state.isCancelled else { return [] }
            state.isCancelled = true
            defer { (state.handlers, state.owners) = ([], []) }
            return state.handlers
        }
        for handler in handlers { handler() }
    }

    /// Forgets the handlers: the work is done and they must not keep their captures alive.
    public func finish() { state.withLock { ($0.handlers, $0.owners) = ([], []) } }
}
