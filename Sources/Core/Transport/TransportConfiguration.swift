import Glibc

/// How the HTTP layer behaves towards origins. Every duration is in seconds.
public struct TransportConfiguration: Sendable {
    /// The `User-Agent` of every request, for example `neuronfs/1.0 (+https://...)`, so that an origin can tell whom to ask.
    public var userAgent: String

    /// Requests under way at one host, and so the most connections to it; with HTTP/2 requests share connections.
    /// A quarter, two at most, is kept free for questions, and as much for contents: see ``HTTPRequest/isQuestion``.
    ///
    /// Eight: the measured loop saturates at 4-8 on one host, and browsers settle on 6-8 as polite.
    public var maxConnectionsPerHost = 8
    /// Connections kept open in all, idle ones included.
    public var maxConnections = 32
    /// Requests under way in all (the window); the rest waits, demand before prefetch.
    public var maxConcurrentRequests = 16
    /// The part of the window, and of each host's share, that prefetch may hold, 0...1. What remains is free for a
    /// reader that arrives while prefetch is busy. At least one request of prefetch is always allowed.
    public var prefetchShare = 0.75

    /// Until a connection stands, name look-up and TLS included.
    public var connectTimeout = 10.0
    /// From the start of an attempt until the reply's head is complete, connecting included.
    public var firstByteTimeout = 30.0
    /// Without one byte of the body; also the window over which ``minimumRate`` is averaged.
    public var stallTimeout = 20.0
    /// A body that arrives slower than this, in bytes a second over ``stallTimeout``, counts as stalled: a server that
    /// drips one byte a second must not hold a reader for ever. A thousandth of the slowest speed users report (380 KB/s).
    public var minimumRate = 256.0

    /// Tries of one request, the first included.
    public var maximumAttempts = 4
    /// The mean scale of the first pause between tries; try `n` waits a random time in `0...min(ceiling, base * 2^(n-1))`.
    public var backoffBase = 0.5
    /// No pause is longer, but for one that `Retry-After` asks for.
    public var backoffCeiling = 15.0
    /// The longest `Retry-After` that is obeyed in full; a longer one counts as this.
    public var retryAfterCeiling = 60.0
    /// Seed of the back-off jitter; `nil` takes one from the system. Tests give one.
    public var jitterSeed: UInt64?
    /// Retries that all requests together may make at once, before ``retryRefillPerSecond`` limits them.
    public var retryBudget = 64.0
    /// Retries a second that the budget regains with time.
    public var retryRefillPerSecond = 2.0
    /// Retries the budget regains with each request that succeeds: an origin that fails one reply in three never drains it.
    public var retryRefillPerSuccess = 0.5

    /// Redirects followed for one try.
    public var maximumRedirects = 5
    /// Whether a redirect from https to http is followed. See ``RedirectPolicy``.
    public var allowDowngrade = false

    /// Who we are to one origin.
    public var credentials: Credentials?

    /// Whether HTTP/2 is offered over TLS.
    public var acceptHTTP2 = true
    /// A PEM file of certificate authorities; `nil` takes `CURL_CA_BUNDLE`, then `SSL_CERT_FILE`, then the system's.
    public var certificateFile: String?
    /// A proxy URL; `nil` takes `http_proxy`, `https_proxy` and `no_proxy` from the environment, "" uses none.
    public var proxy: String?
    /// Bytes of reply headers accepted.
    public var maximumHeaderBytes = 64 << 10

    /// How far an address reaches; tests have no others than those of this machine.
    var reachOfAddress: @Sendable (String) -> Reach = { Reach(address: $0) ?? .world }
    /// Addresses of names, in the form of `CURLOPT_RESOLVE`, for tests.
    var addresses: [String] = []

    /// The default behaviour under the given `User-Agent`.
    public init(userAgent: String = "neuronfs") { self.userAgent = userAgent }

    /// Requests under way that the whole window admits.
    var window: Int { max(1, min(maxConcurrentRequests, maxConnections)) }

    /// Of a limit on requests under way, what contents leave free for questions and questions for contents: 2 of the
    /// usual 8, 1 of 4, none of fewer. Two, so that one question that stalls itself does not stop the others.
    func reserve(of limit: Int) -> Int { min(2, limit / 4) }

    /// The part of a limit that prefetch may hold.
    func prefetchLimit(of limit: Int) -> Int { min(limit, max(1, Int(Double(limit) * prefetchShare))) }

    /// The file of certificate authorities to give to libcurl, which itself reads neither variable.
    var effectiveCertificateFile: String? {
        if let certificateFile { return certificateFile }
        for name in ["CURL_CA_BUNDLE", "SSL_CERT_FILE"] {
            if let value = unsafe getenv(name) {
                let text = unsafe String(cString: value)
                if !text.isEmpty { return text }
            }
        }
        return nil
    }
}
