internal import FileTree
internal import Glibc
internal import Logging
internal import Support
internal import Synchronization

/// The parked requests of a mount. Each ends by its deadline, by an interrupt, or when the mount ends.
final class RequestRegistry: Sendable {
    private struct Parked {
        // An unowned reference would race with deinit. The registry keeps the request alive until it is answered.
        var request: PendingRequest
        var since: Instant
        /// Seconds that the request may wait.
        var limit: Double
        var deadline: Instant { since.advanced(bySeconds: limit) }
    }

    private struct State {
        var parked: [UInt64: Parked] = [:]
        var isClosed = false
    }

    private let state = Monitor(State())
    private let counter = Atomic<UInt64>(1)
    private let timeout: Double
    private let logger: Logger
    /// The log of failures.
    let failures: FailureLog
    private let sweeper: Monitor<NamedThread?>
    private let expired = Counter()
    /// Bytes sent to readers.
    let served = Counter()

    /// Seconds between two checks of the deadlines. A reader waits at most this much longer than its deadline.
    private static let sweepInterval = 0.1
    /// Seconds after which a read may be one that the kernel will not interrupt. Most reads are answered sooner.
    private static let readPatience = 0.3

    /// - Parameters:
    ///   - timeout: seconds after which a parked request fails with `ETIMEDOUT`.
    ///   - path: the path of an inode, for the log.
    /// - Throws: ``ThreadError`` when the thread that checks the deadlines cannot be created.
    init(timeout: Double, logger: Logger, path: @escaping @Sendable (InodeNumber) -> String?) throws(ThreadError) {
        self.timeout = timeout
        self.logger = logger
        failures = FailureLog(logger: logger, path: path)
        sweeper = Monitor(nil)
        let thread = try NamedThread("fuse-deadline") { [weak self] in
            while let registry = self, registry.sweep() {}
        }
        sweeper.withLock { $0 = thread }
    }

    /// A number for the next request, unique in this process, never 0.
    func nextID() -> UInt64 { counter.add(1, ordering: .relaxed).oldValue }

    /// Adds a request that waits, for `longest` seconds or the time-out of the mount, whichever is shorter. False once
    /// the mount ends: then the request is not kept.
    func add(_ request: PendingRequest, longest: Double) -> Bool {
        let parked = Parked(request: request, since: .now, limit: min(longest, timeout))
        return state.update { state in
            guard !state.isClosed else { return false }
            state.parked[request.token.requestID] = parked
            return true
        }
    }

    func remove(_ id: UInt64) { _ = state.withLock { $0.parked.removeValue(forKey: id) } }

    func interrupt(_ id: UInt64) { state.withLock { $0.parked[id]?.request }?.interrupt() }

    /// Requests that wait now, and the age of the oldest in seconds.
    var waiting: (count: Int, oldest: Double) {
        let now = Instant.now
        return state.withLock { state in
            (state.parked.count, state.parked.values.map { now.seconds(since: $0.since) }.max() ?? 0)
        }
    }

    /// Requests that ended by their deadline.
    var expiredCount: Int { expired.value }

    /// Fails every parked request and refuses new ones, because the mount ends.
    func close() {
        let parked = state.update { state in
            state.isClosed = true
            defer { state.parked = [:] }
            return Array(state.parked.values)
        }
        for entry in parked { entry.request.fail(Errno(rawValue: ENOTCONN)) }
        sweeper.withLock { $0 }?.join()
        failures.tellRepeats(.now, all: true)
    }

    /// Waits a little, then fails requests that are overdue or that no process waits for any longer. False when the
    /// registry was closed.
    private func sweep() -> Bool {
        let pause = Instant.now.advanced(bySeconds: Self.sweepInterval)
        _ = state.wait(until: pause) { state in state.isClosed ? true : nil }
        let now = Instant.now
        let (parked, isClosed) = state.withLock { (Array($0.parked.values), $0.isClosed) }
        let overdue = parked.filter { $0.deadline <= now }
        // One thread may have dozens of reads ahead.
        var gone: [Int32: Bool] = [:]
        for entry in parked {
            entry.request.endIfAsked()
            guard now.seconds(since: entry.since) > Self.readPatience else { continue }
            entry.request.endIfAbandoned { thread in
                if let known = gone[thread] { return known }
                let isGone = PendingSignals.hasEnded(thread: thread) || PendingSignals.asksToEnd(thread: thread) == true
                gone[thread] = isGone
                return isGone
            }
        }
        let errno = Errno(rawValue: ETIMEDOUT)
        for entry in overdue {
            expired.add()
            // A lookup has its own limit.
            let isAtTimeout = entry.limit == timeout
            let next =
                isAtTimeout
                ? "see the transport lines with this request id, or raise --timeout" : "try again in a moment"
            logger.warning(
                "a reader waited too long",
                metadata: failures.fields(
                    entry.request.subject, request: entry.request.token.requestID,
                    ["errno": "\(errno)", "seconds": "\(entry.limit)", "next": "\(next)"]))
            if isAtTimeout { entry.request.fail(errno) } else { entry.request.expire() }
        }
        failures.tellRepeats(now)
        return !isClosed
    }
}
