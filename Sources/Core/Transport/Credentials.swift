/// User name and password for one origin (RFC 7617). Kept apart from its URL, so that nothing that shows a URL shows them.
public struct Credentials: Equatable, Sendable {
    /// A URL of the origin; no other is given them, wherever a redirect leads.
    public var url: String
    /// As they are, not percent-encoded.
    public var user: String
    /// See ``user``.
    public var password: String

    /// Credentials from their parts.
    public init(url: String, user: String, password: String) {
        self.url = url
        self.user = user
        self.password = password
    }
}

extension Credentials: CustomStringConvertible, CustomDebugStringConvertible {
    /// The user name alone.
    public var description: String { "credentials of \(user)" }
    /// The user name alone.
    public var debugDescription: String { description }
}
