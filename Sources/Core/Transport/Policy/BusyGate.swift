import Support

/// Whether a host may be asked that has answered "later": a status of ``RetryPolicy/isBusy(_:)``.
///
/// After such an answer no request goes to the host during a pause. Then one request goes out as a probe. Another such
/// answer makes the pause longer; any other reply opens the gate for all. So an outage costs a host one request a pause,
/// however many readers wait.
struct BusyGate {
    private enum State {
        case open
        case closed(until: Instant)
        /// One request is under way, of the job with this id.
        case probing(UInt64)
    }

    private var state = State.open
    /// Busy answers in a row, not counting those to requests that were under way together.
    private(set) var failures = 0
    /// Of the last busy answer, for a sentence.
    private(set) var cause = ""

    var isOpen: Bool { if case .open = state { true } else { false } }

    /// When the next request may go out; nil when that does not depend on the time.
    var opensAt: Instant? { if case .closed(let until) = state { until } else { nil } }

    func admits(_ now: Instant) -> Bool {
        switch state {
        case .open: true
        case .closed(let until): now >= until
        case .probing: false
        }
    }

    /// The job with this id asks the host now.
    mutating func begin(_ job: UInt64) { if case .closed = state { state = .probing(job) } }

    /// The request of a job was answered with "later".
    ///
    /// - Parameter pause: seconds until the host may be asked again, after so many such answers in a row.
    /// - Returns: whether the answer is news, and not one more to requests that were under way together.
    mutating func answeredBusy(_ job: UInt64, cause: String, now: Instant, pause: (_ failures: Int) -> Double) -> Bool {
        self.cause = cause
        switch state {
        case .open, .probing(job):
            failures += 1
            state = .closed(until: now.advanced(bySeconds: pause(failures)))
            return true
        case .closed(let until):
            state = .closed(until: max(until, now.advanced(bySeconds: pause(failures))))
            return false
        case .probing: return false
        }
    }

    /// The request of a job ended in another way: with a reply or a failure that `tells` of the host, or given up by us.
    mutating func ended(_ job: UInt64, tells: Bool, now: Instant) {
        guard case .probing(job) = state else { return }
        if tells {
            state = .open
            failures = 0
        } else {
            state = .closed(until: now)
        }
    }
}
