import Support

/// Whether a request may go to a host that has sent a busy reply: a status of ``RetryPolicy/isBusy(_:)``.
///
/// After a busy reply no request goes to the host during a pause. Then one request goes out as a probe. Another busy
/// reply makes the pause longer; any other reply opens the gate for all requests. So an outage costs a host one request
/// a pause, however many readers wait.
struct BusyGate {
    private enum State {
        case open
        case closed(until: Instant)
        /// One request is under way: that of the job with this id.
        case probing(UInt64)
    }

    private var state = State.open
    /// Busy replies in a row. Replies to requests that were under way together count once.
    private(set) var failures = 0
    /// The cause of the last busy reply, for a message.
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

    /// The job with this id sends its request to the host now.
    mutating func begin(_ job: UInt64) { if case .closed = state { state = .probing(job) } }

    /// A job got a busy reply.
    ///
    /// - Parameter pause: seconds until the next request to the host, after `failures` busy replies in a row.
    /// - Returns: whether the reply is news; a reply to one of several requests under way together is not.
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

    /// The request of a job ended without a busy reply. `tells` says whether its reply or failure tells about the host;
    /// a job that gave up tells nothing.
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
