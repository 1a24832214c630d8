package import Support

/// Rows of specimens as a table: RFC 4180 with a header, lines ended by LF. An empty string is `""`, null is nothing, and
/// quotes stand only where they must.
package struct SpecimenTable {
    /// The text so far.
    package private(set) var bytes: [UInt8]
    private let columns: [String]

    /// A table of the header alone.
    package init(columns: [String]) {
        self.columns = columns
        bytes = []
        Self.append(columns.map { .string($0) }, to: &bytes)
    }

    /// A table that goes on from a text of this form. Its header names the columns; a name in quotes gets no values.
    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
        let header = bytes.prefix { $0 != UInt8(ascii: "\n") }
        columns = header.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// Appends a row. A member that has no column is left out.
    package mutating func append(_ row: JSONObject) { Self.append(columns.map { row[$0] ?? .null }, to: &bytes) }

    private static func append(_ values: [JSONValue], to bytes: inout [UInt8]) {
        for (position, value) in values.enumerated() {
            if position > 0 { bytes.append(UInt8(ascii: ",")) }
            switch value {
            case .null: break
            case .string(let text): append(field: text, to: &bytes)
            case .number(let text): bytes.append(contentsOf: text.utf8)
            case .bool, .array, .object: append(field: value.text(), to: &bytes)
            }
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    private static func append(field text: String, to bytes: inout [UInt8]) {
        let special: (UInt8) -> Bool = {
            $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == 0x0A || $0 == 0x0D
        }
        let startsBlank = text.utf8.first.map { $0 == 0x20 || $0 == 0x09 } ?? true
        guard startsBlank || text.utf8.contains(where: special) else {
            bytes.append(contentsOf: text.utf8)
            return
        }
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") { bytes.append(byte) }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
