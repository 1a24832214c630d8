/// Collects the header lines of one reply.
struct HeadParser {
    private(set) var head: ResponseHead?
    private var status: Int?
    private var headers: [String: String] = [:]
    private var bytes = 0
    private let limit: Int
    private let url: String

    /// - Parameters:
    ///   - url: the URL of the request, for the head.
    ///   - limit: accepted bytes of headers, interim replies included.
    init(url: String, limit: Int) {
        self.url = url
        self.limit = limit
    }

    /// Takes one line with its line end. Returns false when the headers are too long.
    ///
    /// The empty line that ends a final reply's headers sets ``head``. Interim replies (1xx) and trailers are ignored.
    mutating func take(_ line: UnsafeRawBufferPointer) -> Bool {
        bytes += line.count
        guard bytes <= limit else { return false }
        guard head == nil else { return true }
        let text = unsafe String(decoding: line, as: UTF8.self)
        let content = text.prefix { $0 != "\r\n" && $0 != "\n" && $0 != "\r" }
        if content.isEmpty {
            finish()
        } else if content.hasPrefix("HTTP/"), status == nil {
            status = Self.status(of: content)
        } else if let colon = content.firstIndex(of: ":") {
            let name = content[..<colon].lowercased()
            let value = trimmed(content[content.index(after: colon)...])
            headers[name] = headers[name].map { "\($0), \(value)" } ?? value
        }
        return true
    }

    /// The status code of a status line; `nil` unless it has the three digits of RFC 9112 section 4, from 100 up.
    private static func status(of line: Substring) -> Int? {
        let words = line.split(separator: " ", maxSplits: 2)
        guard words.count > 1, words[1].utf8.count == 3, let code = Int(words[1]), code >= 100 else { return nil }
        return code
    }

    private mutating func finish() {
        if let status, status >= 200 || status == 101 {
            head = ResponseHead(status: status, headers: headers, finalURL: url)
        }
        status = nil
        headers = [:]
    }
}
