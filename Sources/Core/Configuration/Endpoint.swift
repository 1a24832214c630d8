/// The base URL of an API, and the user name and password for it.
package struct Endpoint: Equatable, Sendable {
    /// The URL without a slash at its end, and without user name and password. It names the database in messages, documents and
    /// the cache.
    package var url: String
    /// The user name in the URL, decoded.
    package var user: String?
    /// The password in the URL, decoded; empty where a user name stands alone.
    package var password: String?

    /// An endpoint from its parts.
    init(url: String, user: String? = nil, password: String? = nil) {
        self.url = url
        self.user = user
        self.password = password
    }

    /// The endpoint that an http or https URL names, for example `https://ada:secret@mirror.org/api`; nil for another text.
    package init?(argument text: String) {
        guard text.hasPrefix("https://") || text.hasPrefix("http://"), let mark = text.firstRange(of: "://") else {
            return nil
        }
        var rest = text[mark.upperBound...]
        while rest.hasSuffix("/") { rest.removeLast() }
        let authority = rest.prefix { !"/?#".contains($0) }
        if let at = authority.lastIndex(of: "@") {
            let parts = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let user = Self.decoded(parts[0]), let password = Self.decoded(parts.count == 2 ? parts[1] : "")
            else {
                return nil
            }
            (self.user, self.password) = (user, password)
            rest = rest[rest.index(after: at)...]
        }
        guard !rest.isEmpty else { return nil }
        url = String(text[..<mark.upperBound] + rest)
    }

    /// `text` with its percent-encoded bytes decoded (RFC 3986, 2.1); nil when they are no UTF-8.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let decoded = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16), rest.count >= 2
            else {
                return nil
            }
            bytes.append(decoded)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
