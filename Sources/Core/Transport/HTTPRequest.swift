package import Support

/// The checks that a body must pass before it is used.
package enum BodyKind: String, Sendable {
    /// `application/json`, `text/json`, `text/javascript` or no type. The body begins with `{` or `[` and ends with the
    /// matching bracket. The request has `Accept-Encoding: gzip`.
    case json
    /// `image/jpeg`. The body begins with FF D8 FF and ends with FF D9.
    case jpeg
    /// Any body but a web page: a captive portal answers every URL with a web page, under status 200.
    case bytes
    /// Any body.
    case any
}

/// Receives a body as it arrives. The transport thread makes the calls, so they must not block for long.
package protocol BodySink: AnyObject, Sendable {
    /// The transport has checked the reply's head, and the body follows from its first byte.
    ///
    /// A second call says that a broken transfer starts again from the first byte: discard everything received before
    /// it. A transfer that is resumed makes no second call. Returning false aborts the request.
    func begin(_ head: ResponseHead) -> Bool
    /// The next bytes of the body; they are valid during the call. Returning false aborts the request.
    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool
}

/// One idempotent request, with everything that its reply must satisfy.
package struct HTTPRequest: Sendable {
    /// The methods in use; both are safe to repeat.
    package enum Method: String, Sendable {
        /// Asks for head and body.
        case get = "GET"
        /// Asks for the head alone.
        case head = "HEAD"
    }

    /// An absolute http or https URL, percent-encoded, without user name and password.
    package var url: String
    /// GET by default.
    package var method = Method.get
    /// The bytes to get, counted from the start of the file; `nil` asks for the whole file. A reply may be shorter only
    /// when the file ends there.
    package var range: Range<Int>?
    /// The validator of the expected version: an ETag, else a Last-Modified date. The request fails with
    /// ``TransportError/changed(etag:_:)`` when the reply has another validator. It also fails so when a range gets a
    /// 200 without a validator.
    package var ifRange: String?
    /// The checks of the body. The type is checked on every reply, the first and last bytes only on whole bodies.
    package var expects = BodyKind.any
    /// The largest accepted body, in bytes after decompression.
    package var maximumBody: Int
    /// The exact number of bytes that the body must have, when known.
    package var expectedLength: Int?
    /// The length of the whole file in bytes, when a range is asked for and the length is known. A reply that names
    /// another length fails with ``TransportError/changed(etag:_:)``.
    package var totalLength: Int?
    /// Whether a 200 in reply to a range is accepted as the whole file; its head then has status 200. Otherwise such a
    /// reply fails with ``TransportError/rangeIgnored(totalLength:_:)`` before its body is read.
    package var acceptsWholeBody = false
    /// Demand when a reader waits for the reply.
    package var lane = Lane.demand
    /// Whether this is a metadata request: for names, a size or a small file. Its reply is small, and much else depends
    /// on it. Part of the connections is reserved for metadata requests, so that they do not wait behind large
    /// contents. See ``TransportConfiguration/maxConnectionsPerHost``.
    package var isMetadata = false
    /// The object of the request, `<specimen>/...`; "" for none. While other requests wait, no object and no specimen
    /// keeps more than half of a host's places.
    package var object = ""
    /// Limits the whole request: waiting, every try and the pauses between tries.
    package var deadline: Instant?
    /// Identifies the request in the log.
    package var requestID: UInt64 = 0
    /// Receives the body in place of ``HTTPResponse/body``.
    package var sink: (any BodySink)?

    /// A GET of the whole of `url`.
    ///
    /// - Parameter maximumBody: bytes; 64 MiB by default, which is several times the JPEG of a whole plane.
    package init(url: String, expects: BodyKind = .any, maximumBody: Int = 64 << 20) {
        self.url = url
        self.expects = expects
        self.maximumBody = maximumBody
    }
}
