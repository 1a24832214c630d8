package import Support

/// The rows of a list of specimens as compact JSON, one after the other in the order in which they arrived.
///
/// Parsed rows would take several times the memory; a specimen parses its own row when it is asked for it.
package final class RowTexts: Sendable {
    /// All rows.
    package let bytes: [UInt8]

    /// The rows whose texts `bytes` are.
    package init(bytes: [UInt8]) { self.bytes = bytes }

    /// The row in `range`, which must be JSON.
    package subscript(range: Range<Int>) -> RowText { RowText(texts: self, range: range) }
}

/// One row of ``RowTexts``.
package struct RowText: Sendable {
    private let texts: RowTexts
    private let range: Range<Int>

    fileprivate init(texts: RowTexts, range: Range<Int>) {
        self.texts = texts
        self.range = range.clamped(to: texts.bytes.indices)
    }

    /// A row of its own.
    package init(_ row: JSONObject) {
        let texts = RowTexts(bytes: JSONValue.object(row).bytes())
        self.init(texts: texts, range: texts.bytes.indices)
    }

    /// The compact JSON.
    package var bytes: ArraySlice<UInt8> { texts.bytes[range] }

    /// The row; without members if it is no object.
    package var object: JSONObject {
        do throws(JSONError) {
            return try JSONValue.parse(Array(bytes)).objectValue ?? JSONObject()
        } catch {
            return JSONObject()
        }
    }
}
