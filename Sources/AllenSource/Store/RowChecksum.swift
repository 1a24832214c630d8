internal import Support

/// The checksum that stands in a row: SQLite does not notice a changed byte within a number or text.
enum RowChecksum {
    /// CRC-32C of the other columns of a row as a JSON array, which no two different rows share.
    static func of(_ columns: [JSONValue]) -> Int { Int(CRC32C.checksum(JSONValue.array(columns).bytes())) }

    /// A number with every bit of it.
    static func bits(_ value: Double) -> JSONValue { .int(Int(truncatingIfNeeded: value.bitPattern)) }
}
