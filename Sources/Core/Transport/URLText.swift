/// A URL as a message or a log line shows it: on one line, of limited length, without user name and password.
package enum URLText {
    /// The number of characters shown: a query with its filter and the beginning of what follows.
    private static let limit = 300

    /// `url` with all but printable ASCII percent-encoded; "..." replaces the rest of a long URL.
    package static func shown(_ url: String) -> String {
        let start = url.firstRange(of: "://")?.upperBound ?? url.startIndex
        let end = url[start...].firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? url.endIndex
        let host = url[start..<end].lastIndex(of: "@").map { url.index(after: $0) } ?? start
        var text = ""
        for byte in (url[..<start] + url[host...]).utf8 {
            if text.utf8.count >= limit { return text + "..." }
            text += (0x21...0x7E).contains(byte) ? String(UnicodeScalar(byte)) : escaped(byte)
        }
        return text
    }

    private static func escaped(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
    }
}
