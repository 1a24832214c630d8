import Support

/// Origins of which one connection fell silent. For a while the other connections to such an origin are not used
/// either.
///
/// A connection may die without a sign: a router dropped its state, or the machine slept. To libcurl it then looks
/// idle. With HTTP/2, the requests that wait on it keep it in use. libcurl would put every new request on it, and none
/// would get a reply. When the doubt ends, no connection from before it is left unproved. libcurl has closed the idle
/// ones for their age; the others have ended or have received bytes.
struct DoubtfulOrigins {
    private struct Doubt {
        var since: Instant
        var until: Instant
    }

    /// Seconds that a doubt lasts.
    private let duration: Double
    /// By ``URLParts/origin``.
    private var doubts: [String: Doubt] = [:]

    init(_ configuration: TransportConfiguration) {
        // No request that was under way before can be silent for longer.
        duration = max(configuration.firstByteTimeout, configuration.stallTimeout)
    }

    mutating func add(_ origin: String, now: Instant) {
        doubts = doubts.filter { $0.value.until > now }
        doubts[origin] = Doubt(since: now, until: now.advanced(bySeconds: duration))
    }

    /// Seconds since a connection to `origin` fell silent; `nil` when the origin is not doubtful, or no longer.
    func secondsOfDoubt(_ origin: String, now: Instant) -> Double? {
        guard let doubt = doubts[origin], doubt.until > now else { return nil }
        return now.seconds(since: doubt.since)
    }
}
