/// The status line and headers of a reply.
package struct ResponseHead: Sendable {
    /// The HTTP status.
    package var status: Int
    /// Headers by lower-case name. The values of a repeated header are joined by ", ".
    package var headers: [String: String]
    /// The URL that sent this reply, after redirects.
    package var finalURL: String

    /// A head with the given parts.
    package init(status: Int, headers: [String: String], finalURL: String) {
        self.status = status
        self.headers = headers
        self.finalURL = finalURL
    }

    /// The entity tag as sent, quotes and `W/` included.
    package var etag: String? { headers["etag"] }

    /// The `Last-Modified` date as sent.
    package var lastModified: String? { headers["last-modified"] }

    /// The media type without parameters, lower case.
    package var contentType: String? {
        guard let value = headers["content-type"] else { return nil }
        let type = value.prefix { $0 != ";" && $0 != "," }.lowercased()
        return trimmed(type).isEmpty ? nil : trimmed(type)
    }

    /// `Content-Length` in bytes, when it is the length of the body. A chunked reply has none.
    package var contentLength: Int? {
        guard headers["transfer-encoding"] == nil, let value = headers["content-length"], let count = Int(value),
            count >= 0
        else { return nil }
        return count
    }

    /// `Content-Range: bytes a-b/total` as a half-open range; `total` is nil for `*`. RFC 9110, 14.4.
    package var contentRange: (range: Range<Int>, total: Int?)? {
        guard let value = headers["content-range"] else { return nil }
        let words = value.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count == 2, words[0].lowercased() == "bytes" else { return nil }
        let halves = words[1].split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2 else { return nil }
        let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = Int(ends[0]), let last = Int(ends[1]), first >= 0, first <= last,
            last < Int.max
        else { return nil }
        if halves[1] == "*" { return (first..<last + 1, nil) }
        guard let total = Int(halves[1]), last < total else { return nil }
        return (first..<last + 1, total)
    }

    /// Whether the body is compressed.
    var isEncoded: Bool { encoding != "identity" }

    var encoding: String { headers["content-encoding"].map { trimmed($0.lowercased()) } ?? "identity" }
}

/// A reply that passed every check.
package struct HTTPResponse: Sendable {
    /// The head. A resumed transfer keeps its first head.
    package var head: ResponseHead
    /// The body, decompressed; empty when a sink received it.
    package var body: [UInt8]
    /// The number of tries, the successful one included.
    package var attempts: Int
    /// Seconds from the call to the last byte, waiting included.
    package var seconds: Double

    /// A reply with the given parts.
    package init(head: ResponseHead, body: [UInt8], attempts: Int, seconds: Double) {
        self.head = head
        self.body = body
        self.attempts = attempts
        self.seconds = seconds
    }
}

/// `text` without spaces and tabs at its ends.
func trimmed(_ text: some StringProtocol) -> String {
    func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }
    var rest = text.drop(while: isBlank)
    while let last = rest.last, isBlank(last) { rest = rest.dropLast() }
    return String(rest)
}
