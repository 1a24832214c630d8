/// Decides which failed tries are repeated, and after how long.
struct RetryPolicy {
    /// The statuses that ask to try later: RFC 9110 408, 429 (RFC 6585) and the gateway family.
    static func isTransient(status: Int) -> Bool { [408, 429, 500, 502, 503, 504].contains(status) }

    /// Whether a status says that the whole host should get no request for a while. Those are 429, the statuses of a
    /// gateway whose server is down or overloaded, and every transient status with a time to come back.
    static func isBusy(_ fault: Fault) -> Bool {
        guard fault.kind == .status, let status = fault.status else { return false }
        return [429, 502, 503, 504].contains(status) || isTransient(status: status) && fault.retryAfter != nil
    }

    /// Whether another try may succeed after a failure of this kind. `status` has its own rule.
    static func isTransient(_ kind: TransportError.Kind) -> Bool {
        switch kind {
        case .unresolvedHost, .connectFailed, .reset, .noReply, .stalled, .truncated, .badShape, .wrongRange,
            .wrongLength:
            true
        case .status, .invalidRequest, .rangeIgnored, .changed, .tooLarge, .redirectRefused, .tls, .refusedBySink,
            .cancelled, .deadlineExceeded, .shutDown:
            false
        }
    }

    static func isTransient(_ fault: Fault) -> Bool {
        if fault.kind == .status { return isTransient(status: fault.status ?? 0) }
        return fault.isDoubtful || isTransient(fault.kind)
    }

    let base: Double
    let ceiling: Double
    let retryAfterCeiling: Double
    private var generator: SplitMix64

    init(_ configuration: TransportConfiguration) {
        base = configuration.backoffBase
        ceiling = configuration.backoffCeiling
        retryAfterCeiling = configuration.retryAfterCeiling
        var system = SystemRandomNumberGenerator()
        generator = SplitMix64(state: configuration.jitterSeed ?? system.next())
    }

    /// Seconds to wait after failed try number `attempt` (from 1). This is a uniform random part of the exponential
    /// bound, but at least the time that the server asked for. With this "full jitter", readers that were cut off
    /// together do not come back together.
    mutating func pause(afterAttempt attempt: Int, retryAfter: Double?) -> Double {
        var bound = min(base, ceiling)
        var doublings = attempt - 1
        while doublings > 0, bound > 0, bound < ceiling {
            bound = min(2 * bound, ceiling)
            doublings -= 1
        }
        let jitter = Double.random(in: 0...1, using: &generator) * bound
        return max(jitter, min(retryAfter ?? 0, retryAfterCeiling))
    }

    /// Seconds that a `Retry-After` header asks for, from its number or its date; `nil` when the header is not usable.
    static func retryAfter(_ header: String?, now: Double) -> Double? {
        guard let header else { return nil }
        let text = trimmed(header)
        if let seconds = Int(text) { return seconds >= 0 ? Double(seconds) : nil }
        return HTTPDate.parse(text).map { max(0, Double($0) - now) }
    }
}

/// The generator of Steele, Lea and Flood: small, seedable, and good enough to spread pauses.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
