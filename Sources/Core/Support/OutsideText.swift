/// Text from outside this program: from an origin, a file, the name of a cell.
///
/// It is cut where it enters, because an origin may send megabytes. It is escaped where it leaves: in a line of the log
/// (``LineLogHandler``), on a terminal, in a document.
package enum OutsideText {
    /// The most characters of a text that are kept, counted as ``line(_:)`` writes them: one or two sentences.
    package static let longest = 300

    /// The beginning of `text` that ``line(_:)`` writes with `limit` scalars; "..." replaces the rest.
    package static func cut(_ text: String, to limit: Int = longest) -> String {
        var written = 0
        for index in text.unicodeScalars.indices {
            written += escape(text.unicodeScalars[index])?.unicodeScalars.count ?? 1
            if written > limit { return String(text.unicodeScalars[..<index]) + "..." }
        }
        return text
    }

    /// `text` on one line. It cannot begin another line, move the cursor of a terminal, or change the direction of
    /// writing. Scalars that would do so are written as in JSON: `\n`, `\u001b`.
    package static func line(_ text: String) -> String { escaped(text) { escape($0) } }

    /// `text` on as many lines as it has, but otherwise as ``line(_:)``.
    package static func lines(_ text: String) -> String { escaped(text) { $0 == "\n" ? nil : escape($0) } }

    private static func escaped(_ text: String, _ escape: (Unicode.Scalar) -> String?) -> String {
        // By scalars: "\r\n" is one Character, which equals neither of its parts.
        guard text.unicodeScalars.contains(where: { escape($0) != nil }) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if let escape = escape(scalar) {
                result.append(contentsOf: escape.unicodeScalars)
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    /// Whether a terminal executes this scalar instead of showing it.
    package static func isObeyed(_ scalar: Unicode.Scalar) -> Bool { escape(scalar) != nil }

    /// The escape of a scalar that must not be written as it is. Those are controls of ASCII and of ISO 6429, the line
    /// ends of Unicode, and scalars that change the direction of writing (UAX 9).
    static func escape(_ scalar: Unicode.Scalar) -> String? {
        switch scalar.value {
        case 0x0A: return "\\n"
        case 0x0D: return "\\r"
        case 0x09: return "\\t"
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069:
            let digits = String(scalar.value, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
        default: return nil
        }
    }
}
