import Support

/// The text around the rows. The envelope is written with ", " and ": ", the rows without white space. So the captured
/// replies come out byte for byte (docs/DATA.md 1).
enum RMAEnvelope {
    static func success(_ result: RMAEngine.Result) -> [UInt8] {
        var bytes = head(
            success: true, startRow: result.startRow, rows: result.rows.count, total: result.total)
        bytes.append(UInt8(ascii: "["))
        for (index, row) in result.rows.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: row.text(.compact).utf8)
        }
        bytes.append(contentsOf: "]}".utf8)
        return bytes
    }

    static func failure(_ message: String) -> [UInt8] {
        head(success: false, startRow: 0, rows: 0, total: 0) + Array(JSONValue.string(message).text().utf8) + [0x7D]
    }

    private static func head(success: Bool, startRow: Int, rows: Int, total: Int) -> [UInt8] {
        Array(
            """
            {"success": \(success), "id": 0, "start_row": \(startRow), "num_rows": \(rows), \
            "total_rows": \(total), "msg": \

            """.utf8)
    }
}
