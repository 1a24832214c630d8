/// Text that somebody outside has written: an origin, a file, the name of a cell.
///
/// It is cut where it enters, because an origin may send megabytes, and made harmless where it leaves: in a line of the log
/// (``LineLogHandler``), on a terminal, in a document.
public enum OutsideText {
    /// Characters of a text that are kept, as ``line(_:)`` writes them: a sentence or two.
    public static let longest = 300

    /// As much of the beginning of `text` as ``line(_:)`` writes with `limit` scalars; "..." stands for the rest.
    public static func cut(_ text: String, to limit: Int = longest) -> String {
        var written = 0
        for index in text.unicodeScalars.indices {
            written += escape(text.unicodeScalars[index])?.unicodeScalars.count ?? 1
            if written > limit { return String(text.unicodeScalars[..<index]) + "..." }
        }
        return text
    }

    /// `text` on one line: nothing in it begins another line, moves the cursor of a terminal, or changes the direction of
    /// writing. Such scalars are written as JSON would: `\n`, `\u001b`.
    public static func line(_ text: String) -> String { escaped(text) { escape($0) } }

    /// `text` on as many lines as it has, otherwise as ``line(_:)``.
    public static func lines(_ text: String) -> String { escaped(text) { $0 == "\n" ? nil : escape($0) } }

    private static func escaped(_ text: String, _ escape: (Unicode.Scalar) -> String?) -> String {
        // By scalars: "\r\n" is one Character, and neither of its parts.
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

    /// Whether a terminal does something at this scalar in place of showing it.
    public static func isObeyed(_ scalar: Unicode.Scalar) -> Bool { escape(scalar) != nil }

    /// How a scalar is written that is not to stand for itself: controls of ASCII and of ISO 6429, the line ends of Unicode,
    /// and what changes the direction of writing (UAX 9).
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
