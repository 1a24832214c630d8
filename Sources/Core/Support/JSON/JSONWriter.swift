extension JSONValue {
    /// How a value is spelt out.
    public enum Style: Sendable {
        /// No white space, as the rows of an RMA reply.
        case compact
        /// `", "` and `": "` on one line, as Python's `json.dumps` and the envelope of an RMA reply.
        case spaced
        /// Two spaces a level, as Python's `json.dumps(indent=2)`, which is how AllenSDK writes cells.json.
        case indented
    }

    /// The text of this value, ASCII only: other characters are written as `\uXXXX`, as Python does.
    public func text(_ style: Style = .compact) -> String {
        var bytes: [UInt8] = []
        write(to: &bytes, style: style, depth: 0)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func write(to bytes: inout [UInt8], style: Style, depth: Int) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let text): bytes.append(contentsOf: text.utf8)
        case .string(let text): Self.write(text, to: &bytes)
        case .array(let values):
            Self.write(values, open: "[", close: "]", to: &bytes, style: style, depth: depth) { value, bytes in
                value.write(to: &bytes, style: style, depth: depth + 1)
            }
        case .object(let object):
            Self.write(object.members, open: "{", close: "}", to: &bytes, style: style, depth: depth) { member, bytes in
                Self.write(member.key, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                if style != .compact { bytes.append(UInt8(ascii: " ")) }
                member.value.write(to: &bytes, style: style, depth: depth + 1)
            }
        }
    }

    private static func write<Element>(
        _ elements: [Element], open: Unicode.Scalar, close: Unicode.Scalar, to bytes: inout [UInt8], style: Style,
        depth: Int, element: (Element, inout [UInt8]) -> Void
    ) {
        bytes.append(UInt8(ascii: open))
        for (index, value) in elements.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            switch style {
            case .compact: break
            case .spaced: if index > 0 { bytes.append(UInt8(ascii: " ")) }
            case .indented: newLine(depth + 1, to: &bytes)
            }
            element(value, &bytes)
        }
        if style == .indented, !elements.isEmpty { newLine(depth, to: &bytes) }
        bytes.append(UInt8(ascii: close))
    }

    private static func newLine(_ depth: Int, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
    }

    private static func write(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for unit in text.utf16 {
            switch unit {
            case 0x22: bytes.append(contentsOf: "\\\"".utf8)
            case 0x5C: bytes.append(contentsOf: "\\\\".utf8)
            case 0x0A: bytes.append(contentsOf: "\\n".utf8)
            case 0x0D: bytes.append(contentsOf: "\\r".utf8)
            case 0x09: bytes.append(contentsOf: "\\t".utf8)
            case 0x08: bytes.append(contentsOf: "\\b".utf8)
            case 0x0C: bytes.append(contentsOf: "\\f".utf8)
            case 0x20..<0x7F: bytes.append(UInt8(unit))
            default:
                let digits = String(unit, radix: 16)
                bytes.append(contentsOf: "\\u".utf8)
                bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: 4 - digits.utf8.count))
                bytes.append(contentsOf: digits.utf8)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
