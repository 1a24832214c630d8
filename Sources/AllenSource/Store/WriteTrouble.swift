internal import Support

/// Decides when the log says that the catalogue cannot be written, and when it says that it can again: once each.
struct WriteTrouble {
    /// Seconds without a failure after which a success ends the trouble. On a disk that is nearly full some writes succeed.
    static let calmSeconds = 5.0

    private var lastFailure: Instant?

    /// Notes a failure. Returns whether it begins a time of trouble, to be logged.
    mutating func noteFailure(at time: Instant) -> Bool {
        defer { lastFailure = time }
        return lastFailure == nil
    }

    /// Notes a success. Returns whether it ends a time of trouble, to be logged.
    mutating func noteSuccess(at time: Instant) -> Bool {
        guard let last = lastFailure, time.seconds(since: last) >= Self.calmSeconds else { return false }
        lastFailure = nil
        return true
    }
}
