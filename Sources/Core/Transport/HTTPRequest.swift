public import Support

/// What a body must look like before it is believed.
public enum BodyKind: String, Sendable {
    /// `application/json`, `text/json`, `text/javascript` or no type; begins with `{` or `[` and ends with its bracket.
    /// Asked for with `Accept-Encoding: gzip`.
    case json
    /// `image/jpeg`; begins with FF D8 FF and ends with FF D9.
    case jpeg
    /// Anything but a web page: a captive portal answers every URL with one, under status 200.
    case bytes
    /// Anything.
    case any
}

/// Takes a body as it arrives. Called on the transport thread, so it must not block for long.
public protocol BodySink: AnyObject, Sendable {
    /// The reply's head has been checked and its body follows from the first byte.
    ///
    /// Called again when a broken transfer starts afresh: everything received before is void then. A transfer that
    /// is resumed goes on without a second call. Returning false aborts the request.
    func begin(_ head: ResponseHead) -> Bool
    /// The next bytes of the body, valid during the call. Returning false aborts the request.
    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool
}

/// One idempotent request and everything its reply must satisfy.
public struct HTTPRequest: Sendable {
    /// The methods used; both are safe to repeat.
    public enum Method: String, Sendable {
        /// Head and body.
        case get = "GET"
        /// The head alone.
        case head = "HEAD"
    }

    /// An absolute http or https URL, percent-encoded, without user name and password.
    public var url: String
    /// GET unless said otherwise.
    public var method = Method.get
    /// Bytes asked for, from the start of the file; `nil` asks for the whole. A reply may end earlier only at the file's end.
    public var range: Range<Int>?
    /// The validator (an ETag, else a Last-Modified date) of the version the caller believes in. Another one in the
    /// reply, or a 200 without it in reply to a range, fails with ``TransportError/changed(etag:_:)``.
    public var ifRange: String?
    /// What the body must look like. Shape is checked on whole bodies, the type on every reply.
    public var expects = BodyKind.any
    /// The most bytes of body accepted, after decompression.
    public var maximumBody: Int
    /// The exact number of bytes the body must have, when known.
    public var expectedLength: Int?
    /// Bytes of the whole file that a range is asked of, when known. A part of a file of another length fails with
    /// ``TransportError/changed(etag:_:)``: what was believed of the file is not true.
    public var totalLength: Int?
    /// Whether a 200 in reply to a range is read as the whole file (its head says status 200). Otherwise such a
    /// reply fails with ``TransportError/rangeIgnored(totalLength:_:)`` before its body is read.
    public var acceptsWholeBody = false
    /// Demand when a reader waits.
    public var lane = Lane.demand
    /// Whether names, a size or a small file are asked for: a small reply that much else depends on. A part of the
    /// connections is free for such, so that they do not wait behind large contents. See
    /// ``TransportConfiguration/maxConnectionsPerHost``.
    public var isQuestion = false
    /// The object that is asked for, `<specimen>/...`; "" for none. While others wait, no object and no specimen keeps more
    /// than half of a host's places.
    public var object = ""
    /// Bounds everything: waiting, every try and the pauses between them.
    public var deadline: Instant?
    /// Names the request in the log.
    public var requestID: UInt64 = 0
    /// Takes the body instead of ``HTTPResponse/body``.
    public var sink: (any BodySink)?

    /// A GET of the whole of `url`.
    ///
    /// - Parameter maximumBody: bytes; 64 MiB unless said otherwise, a whole plane of JPEG several times over.
    public init(url: String, expects: BodyKind = .any, maximumBody: Int = 64 << 20) {
        self.url = url
        self.expects = expects
        self.maximumBody = maximumBody
    }
}
