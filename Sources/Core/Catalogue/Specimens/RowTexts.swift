internal import Support

/// The rows of the cell list as compact JSON, one after the other in the order in which they arrived.
///
/// Kept parsed they would take several times the memory; a specimen parses its own when asked.
final class RowTexts: Sendable {
    let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// The text of the row in `range`; empty outside what there is.
    func text(_ range: Range<Int>) -> ArraySlice<UInt8> { bytes[range.clamped(to: bytes.indices)] }

    /// The rows that are specimens, read as when they arrived.
    ///
    /// - Throws: when a row is no JSON, which neither a checksum nor this process would vouch for.
    func sorted() throws(JSONError) -> SpecimenSorter {
        var sorter = SpecimenSorter()
        try JSONValue.parseLines(bytes) { value, range in sorter.add(value.objectValue ?? JSONObject(), range: range) }
        return sorter
    }

    /// The row in `range`, which a checksum or this process vouches for; without members if it were no object.
    func row(_ range: Range<Int>) -> JSONObject {
        guard range.lowerBound >= 0, range.upperBound <= bytes.count else { return JSONObject() }
        do throws(JSONError) {
            return try JSONValue.parse(Array(bytes[range])).objectValue ?? JSONObject()
        } catch {
            return JSONObject()
        }
    }
}
