/// Why a text is not JSON.
package struct JSONError: Error, Equatable, CustomStringConvertible {
    /// Byte offset of the fault from the start of the text.
    package let offset: Int
    /// What is wrong at that offset.
    package let reason: String

    /// For example `not JSON at byte 12: a value was expected`.
    package var description: String { "not JSON at byte \(offset): \(reason)" }
}

extension JSONValue {
    /// The deepest nesting that is accepted, so that a hostile text cannot exhaust the stack. Replies of web services nest about 8 deep.
    package static let maximumDepth = 128

    /// Parses a whole UTF-8 text. Only white space may follow the value.
    package static func parse(_ text: [UInt8]) throws(JSONError) -> JSONValue {
        var parser = JSONParser(text: text)
        return try parser.parseDocument()
    }

    /// Parses a text with one value on each line, each ended by a line feed. Calls `body` with each value and the range
    /// of its bytes.
    ///
    /// This is quicker than one text for each line when the values are rows of one table, because the parser remembers
    /// their keys.
    package static func parseLines(_ text: [UInt8], _ body: (JSONValue, Range<Int>) -> Void) throws(JSONError) {
        var parser = JSONParser(text: text)
        try parser.parseLines(body)
    }

    /// Parses a whole text.
    package static func parse(_ text: String) throws(JSONError) -> JSONValue { try parse(Array(text.utf8)) }
}

/// A strict recursive-descent parser over bytes.
private struct JSONParser {
    let text: [UInt8]
    var position = 0
    var depth = 0
    /// The last object at each depth. The next one at that depth probably has the same keys.
    private var templates: [Template] = []

    /// The keys of an object as they are spelled in the text.
    private struct Template {
        var layout = JSONLayout.empty
        /// Every key with its quotes, one after the other.
        var spelling: [UInt8] = []
        /// Where each key ends in `spelling`.
        var ends: [Int] = []
    }

    init(text: [UInt8]) { self.text = text }

    mutating func parseDocument() throws(JSONError) -> JSONValue {
        skipSpace()
        let value = try parseValue()
        skipSpace()
        guard position == text.count else { throw fault("text after the value") }
        return value
    }

    mutating func parseLines(_ body: (JSONValue, Range<Int>) -> Void) throws(JSONError) {
        while position < text.count {
            let start = position
            let value = try parseValue()
            body(value, start..<position)
            guard byte == UInt8(ascii: "\n") else { throw fault("a line feed was expected") }
            position += 1
        }
    }

    private func fault(_ reason: String) -> JSONError { JSONError(offset: position, reason: reason) }

    private var byte: UInt8? { position < text.count ? text[position] : nil }

    private mutating func skipSpace() {
        while let byte, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func parseValue() throws(JSONError) -> JSONValue {
        guard let first = byte else { throw fault("a value was expected, the text ends") }
        switch first {
        case UInt8(ascii: "{"): return try nested { (parser) throws(JSONError) in try parser.parseObject() }
        case UInt8(ascii: "["): return try nested { (parser) throws(JSONError) in try parser.parseArray() }
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
        default: throw fault("a value was expected")
        }
    }

    private mutating func nested(
        _ body: (inout JSONParser) throws(JSONError) -> JSONValue
    ) throws(JSONError) -> JSONValue {
        guard depth < JSONValue.maximumDepth else { throw fault("nested more than \(JSONValue.maximumDepth) deep") }
        depth += 1
        defer { depth -= 1 }
        return try body(&self)
    }

    private mutating func literal(_ word: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
        guard text[position...].starts(with: word.utf8) else { throw fault("\(word) was expected") }
        position += word.utf8.count
        return value
    }

    private mutating func parseArray() throws(JSONError) -> JSONValue {
        position += 1
        var values: [JSONValue] = []
        skipSpace()
        if byte == UInt8(ascii: "]") {
            position += 1
            return .array(values)
        }
        while true {
            skipSpace()
            values.append(try parseValue())
            skipSpace()
            switch byte {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "]"):
                position += 1
                return .array(values)
            default: throw fault("',' or ']' was expected")
            }
        }
    }

    // MARK: - Objects

    private mutating func parseObject() throws(JSONError) -> JSONValue {
        position += 1
        skipSpace()
        if byte == UInt8(ascii: "}") {
            position += 1
            return .object(JSONObject())
        }
        let template = depth < templates.count ? templates[depth] : Template()
        var values: [JSONValue] = []
        values.reserveCapacity(template.ends.count)
        while values.count < template.ends.count, skipKey(values.count, of: template) {
            values.append(try parseMemberValue())
            if try endsObject() {
                if values.count == template.ends.count {
                    return .object(JSONObject(layout: template.layout, values: values))
                }
                let keys = JSONLayout(keys: Array(template.layout.keys.prefix(values.count)))
                return .object(JSONObject(layout: keys, values: values.map { $0 }))
            }
        }
        // Copied here and above: the capacity of a long template must not stay with each of many short objects.
        return try parseRest(values.map { $0 }, of: template)
    }

    /// Skips the key that `template` has at `index`, if the text has that key here.
    private mutating func skipKey(_ index: Int, of template: Template) -> Bool {
        let start = index == 0 ? 0 : template.ends[index - 1]
        let length = template.ends[index] - start
        guard text.count - position >= length else { return false }
        for offset in 0..<length where text[position + offset] != template.spelling[start + offset] { return false }
        position += length
        return true
    }

    /// Parses what follows the members that agree with `template`. The whole object becomes the next template.
    private mutating func parseRest(_ values: [JSONValue], of template: Template) throws(JSONError) -> JSONValue {
        let agreed = values.count
        var object = JSONObject(layout: JSONLayout(keys: Array(template.layout.keys.prefix(agreed))), values: values)
        var next = Template()
        next.ends = Array(template.ends.prefix(agreed))
        next.spelling = Array(template.spelling.prefix(next.ends.last ?? 0))
        while true {
            guard byte == UInt8(ascii: "\"") else { throw fault("a key was expected") }
            let start = position
            let key = try parseString()
            next.spelling.append(contentsOf: text[start..<position])
            next.ends.append(next.spelling.count)
            object[key] = try parseMemberValue()
            if try endsObject() { break }
        }
        // A repeated key has no index of its own, so such an object cannot be the next template.
        if next.ends.count == object.count {
            next.layout = object.layout
            while templates.count <= depth { templates.append(Template()) }
            templates[depth] = next
        }
        return .object(object)
    }

    private mutating func parseMemberValue() throws(JSONError) -> JSONValue {
        skipSpace()
        guard byte == UInt8(ascii: ":") else { throw fault("':' was expected") }
        position += 1
        skipSpace()
        return try parseValue()
    }

    /// Skips a comma before the next key and returns false, or skips the closing brace and returns true.
    private mutating func endsObject() throws(JSONError) -> Bool {
        skipSpace()
        switch byte {
        case UInt8(ascii: ","):
            position += 1
            skipSpace()
            return false
        case UInt8(ascii: "}"):
            position += 1
            return true
        default: throw fault("',' or '}' was expected")
        }
    }

    // MARK: - Numbers

    /// RFC 8259 section 6: no leading zero, no plus sign, digits on both sides of a decimal point.
    private mutating func parseNumber() throws(JSONError) -> JSONValue {
        let start = position
        if byte == UInt8(ascii: "-") { position += 1 }
        if byte == UInt8(ascii: "0") {
            position += 1
        } else {
            try digits()
        }
        if byte == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
            position += 1
            if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
        return .number(String(decoding: text[start..<position], as: UTF8.self))
    }

    private mutating func digits() throws(JSONError) {
        let start = position
        while let byte, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
        guard position > start else { throw fault("a digit was expected") }
    }

    // MARK: - Strings

    private mutating func parseString() throws(JSONError) -> String {
        position += 1
        let start = position
        while let current = byte {
            switch current {
            case UInt8(ascii: "\""):
                let string = try validated(text[start..<position])
                position += 1
                return string
            case UInt8(ascii: "\\"): return try parseStringWithEscapes(from: start)
            case 0..<0x20: throw fault("a control character in a string")
            default: position += 1
            }
        }
        throw fault("the text ends inside a string")
    }

    /// Continues a string that began at `start` and whose first escape is here.
    private mutating func parseStringWithEscapes(from start: Int) throws(JSONError) -> String {
        var bytes = Array(text[start..<position])
        while let current = byte {
            switch current {
            case UInt8(ascii: "\""):
                let string = try validated(bytes[...])
                position += 1
                return string
            case UInt8(ascii: "\\"):
                position += 1
                bytes.append(contentsOf: String(try parseEscape()).utf8)
            case 0..<0x20: throw fault("a control character in a string")
            default:
                bytes.append(current)
                position += 1
            }
        }
        throw fault("the text ends inside a string")
    }

    private func validated(_ bytes: ArraySlice<UInt8>) throws(JSONError) -> String {
        guard let string = String(validating: bytes, as: UTF8.self) else { throw fault("invalid UTF-8") }
        return string
    }

    private mutating func parseEscape() throws(JSONError) -> Unicode.Scalar {
        guard let code = byte else { throw fault("the text ends inside an escape") }
        position += 1
        switch code {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(code)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try parseUnicodeEscape()
        default: throw fault("an unknown escape")
        }
    }

    private mutating func parseUnicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let first = try hexQuad()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard (0xD800..<0xDC00).contains(first), byte == UInt8(ascii: "\\") else {
            throw fault("half a surrogate pair")
        }
        position += 1
        guard byte == UInt8(ascii: "u") else { throw fault("half a surrogate pair") }
        position += 1
        let second = try hexQuad()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw fault("half a surrogate pair") }
        return scalar
    }

    private mutating func hexQuad() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte, let digit = Self.hexDigit(byte) else {
                throw fault("four hexadecimal digits were expected")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
