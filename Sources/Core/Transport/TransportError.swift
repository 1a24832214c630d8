import Support

/// Why a request failed for good. Each case carries the host, the number of tries and the cause of the last one.
package enum TransportError: Error, Sendable {
    /// The values that every failure carries.
    package struct Context: Sendable {
        /// The URL of the request.
        package var url: String
        /// The host that failed: that of the URL, or one that a redirect led to.
        package var host: String
        /// The number of tries; 0 when none began.
        package var attempts: Int
        /// What happened, for example "no byte for 20 s".
        package var cause: String
        /// Whether any try got a reply, good or bad, from this host or from one that redirected to it.
        package var hasReplied: Bool

        /// A context with the given parts.
        package init(url: String, host: String, attempts: Int, cause: String, hasReplied: Bool = false) {
            self.url = url
            self.host = host
            self.attempts = attempts
            self.cause = OutsideText.cut(cause)
            self.hasReplied = hasReplied
        }
    }

    /// The URL or the range is not usable.
    case invalidRequest(Context)
    /// The host name has no address.
    case unresolvedHost(Context)
    /// No connection: refused, unreachable, or not within the connect timeout.
    case connectFailed(Context)
    /// The connection was closed or reset before the reply's head was complete.
    case reset(Context)
    /// The reply's head was not complete within the first-byte timeout.
    case noReply(Context)
    /// The body stopped, or came slower than the minimum rate.
    case stalled(Context)
    /// The body ended before its announced end.
    case truncated(Context)
    /// A status other than 200 and 206.
    case status(Int, Context)
    /// The reply is not what the request asked for: wrong type, a web page, wrong first or last bytes, broken
    /// compression or headers.
    case badShape(Context)
    /// `Content-Range` is absent, or does not match the request.
    case wrongRange(Context)
    /// The length is not the expected one.
    case wrongLength(Context)
    /// The server answered a range with the whole file, of `totalLength` bytes if the reply named it.
    case rangeIgnored(totalLength: Int?, Context)
    /// The file no longer has the version of `ifRange`; `etag` is its present tag if the server sent one.
    case changed(etag: String?, Context)
    /// The body is longer than `maximumBody`.
    case tooLarge(limit: Int, Context)
    /// A redirect that policy forbids, a loop, or too many.
    case redirectRefused(Context)
    /// The server's certificate or the TLS handshake was refused.
    case tls(Context)
    /// The sink returned false.
    case refusedBySink(Context)
    /// ``Exchange/cancel()`` was called.
    case cancelled(Context)
    /// The deadline passed, or the next try could only begin after it. The text has the cause of the last try.
    case deadlineExceeded(Context)
    /// The transport was shut down.
    case shutDown(Context)

    /// The kinds of failure, as statistics and metrics name them.
    package enum Kind: String, CaseIterable, Sendable {
        /// See the case of the same name in ``TransportError``.
        case invalidRequest, unresolvedHost, connectFailed, reset, noReply, stalled, truncated, status, badShape,
            wrongRange, wrongLength, rangeIgnored, changed, tooLarge, redirectRefused, tls, refusedBySink, cancelled,
            deadlineExceeded, shutDown
    }

    /// The case without its values.
    package var kind: Kind { parts.kind }

    /// Host, URL, tries and cause.
    package var context: Context { parts.context }

    private var parts: (kind: Kind, context: Context) {
        switch self {
        case .invalidRequest(let context): (.invalidRequest, context)
        case .unresolvedHost(let context): (.unresolvedHost, context)
        case .connectFailed(let context): (.connectFailed, context)
        case .reset(let context): (.reset, context)
        case .noReply(let context): (.noReply, context)
        case .stalled(let context): (.stalled, context)
        case .truncated(let context): (.truncated, context)
        case .status(_, let context): (.status, context)
        case .badShape(let context): (.badShape, context)
        case .wrongRange(let context): (.wrongRange, context)
        case .wrongLength(let context): (.wrongLength, context)
        case .rangeIgnored(_, let context): (.rangeIgnored, context)
        case .changed(_, let context): (.changed, context)
        case .tooLarge(_, let context): (.tooLarge, context)
        case .redirectRefused(let context): (.redirectRefused, context)
        case .tls(let context): (.tls, context)
        case .refusedBySink(let context): (.refusedBySink, context)
        case .cancelled(let context): (.cancelled, context)
        case .deadlineExceeded(let context): (.deadlineExceeded, context)
        case .shutDown(let context): (.shutDown, context)
        }
    }

    /// Whether the same request may succeed later although nothing is changed on this side.
    package var isTransient: Bool {
        if case .status(let status, _) = self { return RetryPolicy.isTransient(status: status) }
        return kind == .deadlineExceeded || RetryPolicy.isTransient(kind)
    }
}

extension TransportError: CustomStringConvertible {
    /// One sentence: the host, what happened, the number of tries, and the URL of the request. For example "host
    /// api.brain-map.org: no byte for 20 s after 3 attempts (https://api.brain-map.org/api/v2/...)".
    package var description: String {
        let context = self.context
        let tries =
            switch context.attempts {
            case 0: ""
            case 1: " after 1 attempt"
            default: " after \(context.attempts) attempts"
            }
        return "host \(context.host): \(context.cause)\(tries) (\(URLText.shown(context.url)))"
    }
}

/// One failed try, before it is decided whether another try follows.
struct Fault: Sendable {
    var kind: TransportError.Kind
    var cause: String
    var status: Int?
    var totalLength: Int?
    var etag: String?
    var limit: Int?
    /// Seconds that the server asks to wait.
    var retryAfter: Double?
    /// Whether the bytes received before must be discarded.
    var voidsBody: Bool
    /// Whether the reply proves little, so that another try is useful although the kind is a final one.
    var isDoubtful = false

    init(_ kind: TransportError.Kind, _ cause: String, voidsBody: Bool = false) {
        self.kind = kind
        self.cause = OutsideText.cut(cause)
        self.voidsBody = voidsBody || [.badShape, .wrongRange, .wrongLength].contains(kind)
    }

    func error(url: String, host: String, attempts: Int, hasReplied: Bool = false) -> TransportError {
        let context = TransportError.Context(
            url: url, host: host, attempts: attempts, cause: cause, hasReplied: hasReplied)
        return switch kind {
        case .invalidRequest: .invalidRequest(context)
        case .unresolvedHost: .unresolvedHost(context)
        case .connectFailed: .connectFailed(context)
        case .reset: .reset(context)
        case .noReply: .noReply(context)
        case .stalled: .stalled(context)
        case .truncated: .truncated(context)
        case .status: .status(status ?? 0, context)
        case .badShape: .badShape(context)
        case .wrongRange: .wrongRange(context)
        case .wrongLength: .wrongLength(context)
        case .rangeIgnored: .rangeIgnored(totalLength: totalLength, context)
        case .changed: .changed(etag: etag, context)
        case .tooLarge: .tooLarge(limit: limit ?? 0, context)
        case .redirectRefused: .redirectRefused(context)
        case .tls: .tls(context)
        case .refusedBySink: .refusedBySink(context)
        case .cancelled: .cancelled(context)
        case .deadlineExceeded: .deadlineExceeded(context)
        case .shutDown: .shutDown(context)
        }
    }
}
