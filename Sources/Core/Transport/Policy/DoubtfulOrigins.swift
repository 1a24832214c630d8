import Support

/// Origins of which a connection fell silent, so that those beside it are not believed either for a while.
///
/// A connection that died without a word (a router forgot it, the machine slept) looks to libcurl like one that is
/// idle, and with HTTP/2 the requests that wait on it keep it in use: every new one would be put beside them, and nobody
/// would ever get a reply. After the doubt nothing of before it is left: what was idle is closed by its age, and what
/// was in use has ended or has proved itself by its bytes.
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

    /// Seconds since a connection to `origin` fell silent; `nil` when it is not doubtful, or no longer.
    func secondsOfDoubt(_ origin: String, now: Instant) -> Double? {
        guard let doubt = doubts[origin], doubt.until > now else { return nil }
        return now.seconds(since: doubt.since)
    }
}
