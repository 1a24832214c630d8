/// The parts of an absolute URL that policy looks at.
struct URLParts: Equatable {
    /// Lower case: "http" or "https".
    var scheme: String
    /// Lower case, without brackets.
    var host: String
    /// As written, or the scheme's own.
    var port: Int
    /// Whether the port was written out.
    var hasPort: Bool
    /// Everything from the path on, fragment included.
    var rest: String

    /// The most bytes of a host: a name of the DNS has no more (RFC 1035, 2.3.4).
    private static let longestHost = 255

    /// `nil` for anything but an absolute http or https URL without credentials, blanks and control characters.
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
        // libcurl decodes a host: %6c must not be another letter to it than to us.
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

    /// What shares connections: scheme, host and port.
    var origin: String { "\(scheme)://\(host):\(port)" }
}
