extension JSONValue {
    /// The white space of the text.
    package enum Style: Sendable {
        /// No white space, as web services write rows.
        case compact
        /// Two spaces for each level, as Python's `json.dumps(indent=2)` writes.
        case indented
    }

    /// The text of this value, ASCII only: other characters are written as `\uXXXX`, as Python does.
    package func text(_ style: Style = .compact) -> String { String(decoding: bytes(style), as: UTF8.self) }

    /// The bytes of ``text(_:)``.
    package func bytes(_ style: Style = .compact) -> [UInt8] {
        var writer = JSONWriter(style: style)
        writer.write(self)
        return writer.bytes
    }

    /// Adds the bytes of ``text(_:)`` to `bytes`.
    package func append(to bytes: inout [UInt8], style: Style = .compact) {
        var writer = JSONWriter(style: style)
        swap(&writer.bytes, &bytes)
        writer.write(self)
        swap(&writer.bytes, &bytes)
    }
}

/// Writes values one after the other.
private struct JSONWriter {
    var bytes: [UInt8] = []
    let style: JSONValue.Style
    private var depth = 0

    init(style: JSONValue.Style) { self.style = style }

    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let text): bytes.append(contentsOf: text.utf8)
        case .string(let text): write(text)
        case .array(let values):
            bytes.append(UInt8(ascii: "["))
            depth += 1
            for (position, value) in values.enumerated() {
                startElement(position)
                write(value)
            }
            end(UInt8(ascii: "]"), isEmpty: values.isEmpty)
        case .object(let object):
            bytes.append(UInt8(ascii: "{"))
            depth += 1
            var position = 0
            object.forEachMember { key, value in
                startElement(position)
                write(key)
                bytes.append(UInt8(ascii: ":"))
                if style != .compact { bytes.append(UInt8(ascii: " ")) }
                write(value)
                position += 1
            }
            end(UInt8(ascii: "}"), isEmpty: object.count == 0)
        }
    }

    private mutating func startElement(_ position: Int) {
        if position > 0 { bytes.append(UInt8(ascii: ",")) }
        if style == .indented { newLine() }
    }

    private mutating func end(_ bracket: UInt8, isEmpty: Bool) {
        depth -= 1
        if style == .indented, !isEmpty { newLine() }
        bytes.append(bracket)
    }

    private mutating func newLine() {
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
    }

    private mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22: bytes.append(contentsOf: "\\\"".utf8)
            case 0x5C: bytes.append(contentsOf: "\\\\".utf8)
            case 0x0A: bytes.append(contentsOf: "\\n".utf8)
            case 0x0D: bytes.append(contentsOf: "\\r".utf8)
            case 0x09: bytes.append(contentsOf: "\\t".utf8)
            case 0x08: bytes.append(contentsOf: "\\b".utf8)
            case 0x0C: bytes.append(contentsOf: "\\f".utf8)
            case 0x20..<0x7F: bytes.append(UInt8(truncatingIfNeeded: scalar.value))
            default: for unit in UTF16.encode(scalar) ?? Self.replacement { writeEscape(unit) }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static let replacement = UTF16.encodedReplacementCharacter

    /// `\u` and four lower-case hexadecimal digits, as Python writes them.
    private mutating func writeEscape(_ unit: UInt16) {
        bytes.append(contentsOf: "\\u".utf8)
        for shift in [12, 8, 4, 0] {
            let digit = UInt8(truncatingIfNeeded: unit >> UInt16(shift)) & 0xF
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
