/// User name and password for one origin (RFC 7617). They are kept apart from the URL, so that no text that shows the
/// URL shows them.
package struct Credentials: Equatable, Sendable {
    /// A URL of the origin. No other origin gets the credentials, wherever a redirect leads.
    package var url: String
    /// Plain text, not percent-encoded.
    package var user: String
    /// See ``user``.
    package var password: String

    /// Credentials with the given parts.
    package init(url: String, user: String, password: String) {
        self.url = url
        self.user = user
        self.password = password
    }
}

extension Credentials: CustomStringConvertible, CustomDebugStringConvertible {
    /// The user name alone.
    package var description: String { "credentials of \(user)" }
    /// The user name alone.
    package var debugDescription: String { description }
}
