internal import FileTree
internal import Glibc
internal import Logging
internal import Support
internal import Synchronization

/// The parked requests of a mount, so that each ends by its deadline, by an interrupt, or when the mount ends.
final class RequestRegistry: Sendable {
    private struct Parked {
        // Unowned by design would race with deinit; the registry keeps the request alive until it is answered.
        var request: PendingRequest
        var since: Instant
        var deadline: Instant
    }

    private struct State {
        var parked: [UInt64: Parked] = [:]
        var isClosed = false
    }

    private let state = Monitor(State())
    private let counter = Atomic<UInt64>(1)
    private let timeout: Double
    private let logger: Logger
    private let sweeper: Monitor<NamedThread?>
    private let expired = Counter()
    /// Bytes handed to readers.
    let served = Counter()

    /// How often deadlines are looked at, in seconds; a reader waits at most this much longer than its deadline.
    private static let sweepInterval = 0.1

    /// - Parameter timeout: seconds after which a parked request fails with `ETIMEDOUT`.
    init(timeout: Double, logger: Logger) {
        self.timeout = timeout
        self.logger = logger
        sweeper = Monitor(nil)
        let thread = NamedThread("fuse-deadline") { [weak self] in
            while let registry = self, registry.sweep() {}
        }
        sweeper.withLock { $0 = thread }
    }

    /// A number for the next request, unique in this process, never 0.
    func nextID() -> UInt64 { counter.add(1, ordering: .relaxed).oldValue }

    /// Takes in a request that waits. False once the mount ends: then it is not kept.
    func add(_ request: PendingRequest) -> Bool {
        let now = Instant.now
        return state.update { state in
            guard !state.isClosed else { return false }
            state.parked[request.token.requestID] = Parked(
                request: request, since: now, deadline: now.advanced(bySeconds: timeout))
            return true
        }
    }

    func remove(_ id: UInt64) { _ = state.withLock { $0.parked.removeValue(forKey: id) } }

    func interrupt(_ id: UInt64) { state.withLock { $0.parked[id]?.request }?.interrupt() }

    /// One line for a request that fails. The lines of the layers below carry the same request id.
    func note(_ error: FileTreeError, request: UInt64) {
        logger.warning("\(error)", metadata: ["request": "\(request)", "errno": "\(error.errno)"])
    }

    /// Requests that wait now, and the age of the oldest in seconds.
    var waiting: (count: Int, oldest: Double) {
        let now = Instant.now
        return state.withLock { state in
            (state.parked.count, state.parked.values.map { now.seconds(since: $0.since) }.max() ?? 0)
        }
    }

    /// Requests that ended by their deadline.
    var expiredCount: Int { expired.value }

    /// Fails every parked request and refuses new ones: the mount ends.
    func close() {
        let parked = state.update { state in
            state.isClosed = true
            defer { state.parked = [:] }
            return Array(state.parked.values)
        }
        for entry in parked { entry.request.fail(Errno(rawValue: ENOTCONN)) }
        sweeper.withLock { $0 }?.join()
    }

    /// Waits a little, then fails what is overdue. False when the registry was closed.
    private func sweep() -> Bool {
        let pause = Instant.now.advanced(bySeconds: Self.sweepInterval)
        _ = state.wait(until: pause) { state in state.isClosed ? true : nil }
        let now = Instant.now
        let (parked, isClosed) = state.withLock { (Array($0.parked.values), $0.isClosed) }
        let overdue = parked.filter { $0.deadline <= now }
        for entry in parked { entry.request.endIfAsked() }
        for entry in overdue {
            expired.add()
            logger.warning(
                "a reader waited too long",
                metadata: [
                    "request": "\(entry.request.token.requestID)", "seconds": "\(timeout)",
                    "next": "see the transport lines with this request id, or raise --timeout",
                ])
            entry.request.fail(Errno(rawValue: ETIMEDOUT))
        }
        return !isClosed
    }
}
