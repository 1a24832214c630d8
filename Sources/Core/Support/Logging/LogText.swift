/// Text that may come from anywhere, an origin included, made part of one line of a log.
///
/// Nothing in it begins another line, moves the cursor of a terminal or ends the quotes it stands in, and what was written
/// can be told from its escapes: `\\` is a backslash, `\n`, `\r`, `\t` and `\u001b` are what they are in JSON.
enum LogText {
    /// Scalars of a text that are written; an origin may send megabytes.
    static let longest = 4096

    /// `text` without quotes, for the message of a line.
    static func message(_ text: String) -> String { escaped(text).text }

    /// `text` as the value of a field, in quotes where it would not be one word, or has escapes.
    static func value(_ text: String) -> String {
        let (escaped, isOneWord) = escaped(text)
        guard !isOneWord || text.isEmpty else { return escaped }
        var quoted = String.UnicodeScalarView("\"".unicodeScalars)
        for scalar in escaped.unicodeScalars {
            if scalar == "\"" { quoted.append("\\") }
            quoted.append(scalar)
        }
        quoted.append("\"")
        return String(quoted)
    }

    private static func escaped(_ text: String) -> (text: String, isOneWord: Bool) {
        // By scalars: "\r\n" is one Character, and neither of its parts.
        var result = String.UnicodeScalarView()
        var isOneWord = true
        var count = 0
        for scalar in text.unicodeScalars {
            count += 1
            guard count <= longest else { break }
            if let escape = escape(scalar) {
                result.append(contentsOf: escape.unicodeScalars)
                isOneWord = false
            } else {
                result.append(scalar)
                if scalar == "\"" || scalar == "=" || scalar.properties.isWhitespace { isOneWord = false }
            }
        }
        guard count > longest else { return (String(result), isOneWord) }
        return ("\(String(result))... (\(text.utf8.count) bytes)", false)
    }

    /// How a scalar is written that is not to stand for itself: as in ``OutsideText``, and the backslash, too.
    private static func escape(_ scalar: Unicode.Scalar) -> String? {
        scalar == "\\" ? "\\\\" : OutsideText.escape(scalar)
    }
}
