import Support

/// A token bucket over all retries, so that an outage does not multiply the load on an origin that is already down.
///
/// It may run into debt: a retry beyond the bucket waits until time has refilled it. Prefetch leaves the lower half to
/// readers that wait.
struct RetryBudget {
    private let capacity: Double
    private let perSecond: Double
    private let perSuccess: Double
    private let patience: Double
    private var level: Double
    private var updated: Instant

    /// - Parameter patience: seconds of extra waiting beyond which a retry is refused.
    init(_ configuration: TransportConfiguration, patience: Double, now: Instant) {
        capacity = max(0, configuration.retryBudget)
        perSecond = max(1e-9, configuration.retryRefillPerSecond)
        perSuccess = configuration.retryRefillPerSuccess
        self.patience = patience
        level = capacity
        updated = now
    }

    /// The extra seconds that a retry of `lane` has to wait, or `nil` when it is refused. Takes nothing.
    mutating func wait(_ lane: Lane, now: Instant) -> Double? {
        refill(now)
        let floor = lane == .demand ? 0 : capacity / 2
        if lane == .prefetch, level - 1 < floor { return nil }
        let wait = max(0, (1 - level) / perSecond)
        return wait <= patience ? wait : nil
    }

    /// Takes one retry, which ``wait(_:now:)`` has granted.
    mutating func spend() { level -= 1 }

    /// Credits a request that succeeded.
    mutating func succeeded() { level = min(capacity, level + perSuccess) }

    private mutating func refill(_ now: Instant) {
        level = min(capacity, level + max(0, now.seconds(since: updated)) * perSecond)
        updated = now
    }
}
