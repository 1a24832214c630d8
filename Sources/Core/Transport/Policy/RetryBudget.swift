import Support

/// A token bucket over all retries, so that an outage does not multiply the load on an origin that is already down.
///
/// Its level may be negative: a retry beyond the bucket waits until time has refilled it. Prefetch leaves the lower
/// half of the bucket to demand.
struct RetryBudget {
    private let capacity: Double
    private let perSecond: Double
    private let perSuccess: Double
    private let patience: Double
    private var level: Double
    private var updated: Instant

    /// - Parameter patience: seconds; a retry that would have to wait longer than this is refused.
    init(_ configuration: TransportConfiguration, patience: Double, now: Instant) {
        capacity = max(0, configuration.retryBudget)
        perSecond = max(1e-9, configuration.retryRefillPerSecond)
        perSuccess = configuration.retryRefillPerSuccess
        self.patience = patience
        level = capacity
        updated = now
    }

    /// The extra seconds that a retry of `lane` has to wait, or `nil` when it is refused. This takes no token.
    mutating func wait(_ lane: Lane, now: Instant) -> Double? {
        refill(now)
        let floor = lane == .demand ? 0 : capacity / 2
        if lane == .prefetch, level - 1 < floor { return nil }
        let wait = max(0, (1 - level) / perSecond)
        return wait <= patience ? wait : nil
    }

    /// Takes one token for a retry that ``wait(_:now:)`` has granted.
    mutating func spend() { level -= 1 }

    /// Credits a request that succeeded.
    mutating func succeeded() { level = min(capacity, level + perSuccess) }

    private mutating func refill(_ now: Instant) {
        level = min(capacity, level + max(0, now.seconds(since: updated)) * perSecond)
        updated = now
    }
}
