package import Support

/// The envelope around the rows of an RMA query:
/// `{"success": true, "id": 0, "start_row": 0, "num_rows": 50, "total_rows": 627, "msg": [...]}`.
package struct RMAReply: Equatable, Sendable {
    /// Number of the first row here.
    package let startRow: Int
    /// Number of rows here, `num_rows`; always `rows.count`.
    package let rowCount: Int
    /// Number of rows that match the query.
    package let totalRows: Int
    /// The rows, every field as it arrived.
    package let rows: [JSONObject]

    /// Reads a reply of the status 200.
    ///
    /// - Throws: ``CatalogueError/webPage(title:)`` for HTML, as the API sends on some failures;
    ///   ``CatalogueError/notJSON(cause:beginning:)`` for all else that is not JSON, also a reply cut short;
    ///   ``CatalogueError/refused(message:)`` when `success` is false; ``CatalogueError/malformedReply(_:)`` when
    ///   the envelope is not complete or `num_rows` is not the number of rows.
    package static func parse(_ bytes: [UInt8]) throws(CatalogueError) -> RMAReply {
        let first = bytes.first { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }
        if first == UInt8(ascii: "<") { throw .webPage(title: title(bytes)) }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue.parse(bytes)
        } catch {
            throw .notJSON(cause: error, beginning: beginning(bytes))
        }
        guard case .object(let envelope) = value else { throw .malformedReply("it is no object") }
        guard let success = envelope["success"] else { throw .malformedReply("success is missing") }
        guard success.boolValue ?? (success.stringValue == "true") else {
            let message = envelope["msg"].map { $0.stringValue ?? $0.text() }
            throw .refused(message: OutsideText.cut(message ?? "no reason given"))
        }
        guard let list = envelope["msg"]?.arrayValue else { throw .malformedReply("msg is no list") }
        let rows = list.compactMap(\.objectValue)
        guard rows.count == list.count else { throw .malformedReply("a row is no object") }
        guard let rowCount = envelope["num_rows"]?.intValue, let total = envelope["total_rows"]?.intValue else {
            throw .malformedReply("num_rows or total_rows is missing")
        }
        guard rowCount == rows.count else { throw .malformedReply("num_rows is \(rowCount), rows are \(rows.count)") }
        let start = envelope["start_row"]?.intValue ?? 0
        guard start >= 0, total >= 0, total < 1 << 31, start < 1 << 31 else {
            throw .malformedReply("start_row \(start), total_rows \(total)")
        }
        return RMAReply(startRow: start, rowCount: rowCount, totalRows: total, rows: rows)
    }

    private static func beginning(_ bytes: [UInt8]) -> String {
        let printable = bytes.prefix(60).map { (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\"") ? $0 : 0x2E }
        return String(decoding: printable, as: UTF8.self)
    }

    /// What stands between `<title>` and `</title>` near the start of a page.
    private static func title(_ bytes: [UInt8]) -> String? {
        let page = String(decoding: bytes.prefix(4096), as: UTF8.self)
        guard let open = page.firstRange(of: "<title>"), let close = page.firstRange(of: "</title>"),
            open.upperBound <= close.lowerBound
        else { return nil }
        return String(page[open.upperBound..<close.lowerBound].prefix(200))
    }
}
