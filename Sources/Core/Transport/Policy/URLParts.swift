/// The parts of an absolute URL that the policies need.
struct URLParts: Equatable {
    /// Lower case: "http" or "https".
    var scheme: String
    /// Lower case, without brackets.
    var host: String
    /// The port as written, or the default port of the scheme.
    var port: Int
    /// Whether the port was written out.
    var hasPort: Bool
    /// Everything from the path on, fragment included.
    var rest: String

    /// The most bytes of a host: no DNS name has more (RFC 1035, 2.3.4).
    private static let longestHost = 255

    /// `nil` for everything but an absolute http or https URL without credentials, blanks and control characters.
    init?(_ url: String) {
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), let mark = url.firstRange(of: "://") else { return nil }
        scheme = url[..<mark.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else { return nil }
        let afterScheme = url[mark.upperBound...]
        let authority = afterScheme.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        rest = String(afterScheme[authority.endIndex...])
        guard !authority.contains("@") else { return nil }

        var name = authority
        var written: Substring?
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            name = authority[authority.index(after: authority.startIndex)..<end]
            let tail = authority[authority.index(after: end)...]
            guard tail.isEmpty || tail.first == ":" else { return nil }
            written = tail.isEmpty ? nil : tail.dropFirst()
        } else if let colon = authority.firstIndex(of: ":") {
            name = authority[..<colon]
            written = authority[authority.index(after: colon)...]
        }
        // libcurl decodes a host, so %6c must not be one letter to libcurl and another to this policy.
        guard !name.isEmpty, authority.first == "[" || !name.contains("%") else { return nil }
        guard name.utf8.count <= Self.longestHost else { return nil }
        host = name.lowercased()
        let schemePort = scheme == "https" ? 443 : 80
        if let written, !written.isEmpty {
            guard let number = Int(written), (1...65535).contains(number) else { return nil }
            port = number
            hasPort = true
        } else {
            port = schemePort
            hasPort = false
        }
    }

    /// Scheme, host and port. URLs of one origin share connections.
    var origin: String { "\(scheme)://\(host):\(port)" }
}
