import Support

@testable import AllenSource

/// The official cell_types_specimen_details.csv, read without the code under test.
struct OfficialTable {
    static let file = "cell_types_specimen_details.csv"

    let bytes: [UInt8]
    let header: [String]
    /// `nil` for nothing between two commas, as against `""`.
    let records: [[String?]]

    /// Read once for all tests.
    static let shared = Result { try OfficialTable() }

    private init() throws {
        bytes = try RealData.bytes(Self.file)
        var records = Self.records(bytes)
        header = records.removeFirst().compactMap { $0 }
        self.records = records
    }

    /// RFC 4180.
    private static func records(_ bytes: [UInt8]) -> [[String?]] {
        var records: [[String?]] = []
        var record: [String?] = []
        var field: [UInt8] = []
        var isQuoted = false
        var inside = false
        var index = 0
        func close() {
            record.append(field.isEmpty && !isQuoted ? nil : String(decoding: field, as: UTF8.self))
            field = []
            isQuoted = false
        }
        while index < bytes.count {
            let byte = bytes[index]
            if inside {
                if byte != 0x22 {
                    field.append(byte)
                } else if index + 1 < bytes.count, bytes[index + 1] == 0x22 {
                    field.append(0x22)
                    index += 1
                } else {
                    inside = false
                }
            } else if byte == 0x22 {
                inside = true
                isQuoted = true
            } else if byte == 0x2C {
                close()
            } else if byte == 0x0A {
                close()
                records.append(record)
                record = []
            } else {
                field.append(byte)
            }
            index += 1
        }
        return records
    }

    /// The table as the API would send it: rows compact, keys in alphabetical order.
    func replyText() -> String {
        let isText = Set(header).subtracting(Self.numbers)
        let order = header.indices.sorted { header[$0] < header[$1] }
        let rows = records.map { record in
            let members = order.map { column -> String in
                let value = record[column].map { isText.contains(header[column]) ? JSONValue.string($0).text() : $0 }
                return "\"\(header[column])\":\(value ?? "null")"
            }
            return "{\(members.joined(separator: ","))}"
        }
        return #"{"success": true, "id": 0, "start_row": 0, "num_rows": \#(rows.count), "total_rows": \#(rows.count), "#
            + #""msg": [\#(rows.joined(separator: ","))]}"#
    }

    /// The rows of that reply.
    static let rows = Result { try RMAReply.parse(Array(shared.get().replyText().utf8)).rows }

    /// Columns that hold numbers: docs/DATA.md 2.
    private static let numbers: Set<String> = [
        "specimen__id", "structure__id", "structure_parent__id", "nr__max_euclidean_distance", "nr__number_stems",
        "nr__number_bifurcations", "nr__average_contraction", "nr__average_parent_daughter_ratio", "nrwkf__id",
        "erwkf__id", "ef__fast_trough_v_long_square", "ef__upstroke_downstroke_ratio_long_square", "ef__adaptation",
        "ef__f_i_curve_slope", "ef__threshold_i_long_square", "ef__tau", "ef__avg_isi", "ef__avg_firing_rate", "ef__ri",
        "ef__peak_t_ramp", "ef__vrest", "si__height", "si__width", "csl__x", "csl__y", "csl__z",
        "csl__normalized_depth", "m__glif", "m__biophys", "m__biophys_perisomatic", "m__biophys_all_active",
        "donor__id",
    ]
}
