internal import Support

/// The rows of the cell list as compact JSON, one after the other in the order in which they arrived.
///
/// Parsing all of them takes longer than a mount may; a specimen parses its own when asked.
final class RowTexts: Sendable {
    let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

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
