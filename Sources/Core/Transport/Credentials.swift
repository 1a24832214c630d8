/// User name and password for one origin (RFC 7617). They are kept apart from the URL, so that no text that shows the
/// URL shows them.
public struct Credentials: Equatable, Sendable {
    /// A URL of the origin. No other origin gets the credentials, wherever a redirect leads.
    public var url: String
    /// Plain text, not percent-encoded.
    public var user: String
    /// See ``user``.
    public var password: String

    /// Credentials with the given parts.
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
