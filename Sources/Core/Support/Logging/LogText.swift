/// Text from any origin, as part of one line of a log.
///
/// The text cannot begin another line, move the cursor of a terminal or end its own quotes. A reader can tell the text
/// from its escapes: `\\` is a backslash; `\n`, `\r`, `\t` and `\u001b` mean the same as in JSON.
enum LogText {
    /// The most scalars of a text that are written, because an origin may send megabytes.
    static let longest = 4096

    /// `text` without quotes, for the message of a line.
    static func message(_ text: String) -> String { escaped(text).text }

    /// `text` as the value of a field. It is in quotes when it is more than one word or has escapes.
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
        // By scalars: "\r\n" is one Character, which equals neither of its parts.
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

    /// The escape of a scalar that must not be written as it is: that of ``OutsideText``, and one for the backslash.
    private static func escape(_ scalar: Unicode.Scalar) -> String? {
        scalar == "\\" ? "\\\\" : OutsideText.escape(scalar)
    }
}
