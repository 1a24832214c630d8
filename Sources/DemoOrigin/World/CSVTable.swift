/// A CSV file (RFC 4180). It distinguishes an empty field from a quoted empty one: the export of the catalogue writes
/// null as the former and '' as the latter.
enum CSVTable {
    struct Field: Equatable {
        var text: String
        var isQuoted: Bool
    }

    static func parse(_ bytes: [UInt8]) -> [[Field]] {
        var rows: [[Field]] = []
        var row: [Field] = []
        var text: [UInt8] = []
        var (quoted, inside) = (false, false)
        var index = 0
        func endField() {
            row.append(Field(text: String(decoding: text, as: UTF8.self), isQuoted: quoted))
            text = []
            quoted = false
        }
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\"") where inside && index < bytes.count && bytes[index] == byte:
                text.append(byte)
                index += 1
            case UInt8(ascii: "\""):
                inside.toggle()
                quoted = true
            case UInt8(ascii: ",") where !inside: endField()
            case 0x0D where !inside: continue
            case 0x0A where !inside:
                endField()
                rows.append(row)
                row = []
            default: text.append(byte)
            }
        }
        if !row.isEmpty || !text.isEmpty {
            endField()
            rows.append(row)
        }
        return rows
    }
}
