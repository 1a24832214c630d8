/// Decides when to try writing again after the file system refused, and when the log gets a line about it.
struct WriteGate {
    /// Seconds between tries while writing fails.
    static let retrySeconds = 5.0

    private var lastFailure: Double?

    /// Whether the last try succeeded.
    var isOpen: Bool { lastFailure == nil }

    /// Whether to try at `now`. One writer a period is let through while writing fails.
    mutating func mayTry(_ now: Double) -> Bool {
        guard let last = lastFailure else { return true }
        // A clock that was set back must not close the gate for long.
        guard abs(now - last) >= Self.retrySeconds else { return false }
        lastFailure = now
        return true
    }

    /// Notes a failure. Returns whether it is the first since the last success, and so is logged.
    mutating func noteFailure(_ now: Double) -> Bool {
        defer { lastFailure = now }
        return lastFailure == nil
    }

    /// Notes a success. Returns whether failures preceded it, and so it is logged.
    mutating func noteSuccess() -> Bool {
        defer { lastFailure = nil }
        return lastFailure != nil
    }
}
