import Glibc

/// The behaviour of the HTTP layer towards origins. Every duration is in seconds.
package struct TransportConfiguration: Sendable {
    /// The `User-Agent` of every request, for example `neuronfs/1.0 (+https://...)`. It tells the operators of an
    /// origin whom to contact.
    package var userAgent: String

    /// Requests under way at one host, and so the most connections to it; with HTTP/2 requests share connections. A
    /// quarter of them, two at most, is reserved for metadata requests, and as many for contents: see
    /// ``HTTPRequest/isMetadata``.
    ///
    /// Eight: the measured loop saturates at 4-8 on one host, and browsers have settled on 6-8 as polite.
    package var maxConnectionsPerHost = 8
    /// Connections kept open to all hosts together, idle ones included.
    package var maxConnections = 32
    /// Requests under way to all hosts together (the window). The others wait, demand before prefetch.
    package var maxConcurrentRequests = 16
    /// The part of the window, and of each host's share, that prefetch may hold, 0...1. The remainder is free for a
    /// reader that arrives while prefetch is busy. At least one prefetch request is always allowed.
    package var prefetchShare = 0.75

    /// The limit for opening a connection, name look-up and TLS included.
    package var connectTimeout = 10.0
    /// The limit from the start of a try until the reply's head is complete, connecting included.
    package var firstByteTimeout = 30.0
    /// The limit for a body without one new byte. ``minimumRate`` is averaged over the same window.
    package var stallTimeout = 20.0
    /// The lowest rate of a body, in bytes a second, averaged over ``stallTimeout``. A slower body counts as stalled: a
    /// server that sends one byte a second must not hold a reader for ever. The value is about a thousandth of the
    /// slowest speed that users report (380 KB/s).
    package var minimumRate = 256.0

    /// Tries of one request, the first included.
    package var maximumAttempts = 4
    /// The mean scale of the first pause between tries. After try `n` the pause is random in
    /// `0...min(ceiling, base * 2^(n-1))`.
    package var backoffBase = 0.5
    /// The longest pause, except for one that `Retry-After` asks for.
    package var backoffCeiling = 15.0
    /// The longest `Retry-After` that is obeyed in full. A longer one counts as this.
    package var retryAfterCeiling = 60.0
    /// The seed of the back-off jitter; `nil` takes one from the system. Tests set it.
    package var jitterSeed: UInt64?
    /// The retries that all requests together may make at once, before ``retryRefillPerSecond`` limits them.
    package var retryBudget = 64.0
    /// The retries that the budget regains each second.
    package var retryRefillPerSecond = 2.0
    /// The retries that the budget regains with each request that succeeds. So an origin that fails one reply in three
    /// never drains the budget.
    package var retryRefillPerSuccess = 0.5

    /// Redirects followed for one try.
    package var maximumRedirects = 5
    /// Whether a redirect from https to http is followed. See ``RedirectPolicy``.
    package var allowDowngrade = false

    /// The user name and password that are sent to one origin.
    package var credentials: Credentials?

    /// Whether HTTP/2 is offered over TLS.
    package var acceptHTTP2 = true
    /// A PEM file of certificate authorities. `nil` takes `CURL_CA_BUNDLE`, then `SSL_CERT_FILE`, then the file of the
    /// system.
    package var certificateFile: String?
    /// A proxy URL. `nil` takes `http_proxy`, `https_proxy` and `no_proxy` from the environment; "" uses no proxy.
    package var proxy: String?
    /// The largest accepted reply headers, in bytes.
    package var maximumHeaderBytes = 64 << 10

    /// The reach of an address. Tests replace it, because they have only addresses of this machine.
    var reachOfAddress: @Sendable (String) -> Reach = { Reach(address: $0) ?? .world }
    /// Addresses of names, in the form of `CURLOPT_RESOLVE`; tests set them.
    var addresses: [String] = []

    /// The default behaviour under the given `User-Agent`.
    package init(userAgent: String = "neuronfs") { self.userAgent = userAgent }

    /// The most requests under way in the whole window.
    var window: Int { max(1, min(maxConcurrentRequests, maxConnections)) }

    /// The part of a limit that contents leave free for metadata requests, and metadata requests for contents: 2 of the
    /// usual 8, 1 of 4, none of fewer. With two, one metadata request that stalls does not stop the others.
    func reserve(of limit: Int) -> Int { min(2, limit / 4) }

    /// The part of a limit that prefetch may hold.
    func prefetchLimit(of limit: Int) -> Int { min(limit, max(1, Int(Double(limit) * prefetchShare))) }

    /// The file of certificate authorities for libcurl, which itself reads neither variable.
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
