internal import Support

/// The cell list as the files cells.json and cells.csv.
enum CellsDocument {
    /// The rows as AllenSDK's `json_utilities.write` spells them: simplejson with `indent=2` and `ignore_nan`. The text is
    /// ASCII, its numbers are spelt as Python repeats them, and no new line ends it.
    static func json(_ rows: [JSONObject]) -> [UInt8] {
        JSONValue.array(rows.map { pythonic(.object($0)) }).bytes(.indented)
    }

    private static func pythonic(_ value: JSONValue) -> JSONValue {
        switch value {
        case .null, .bool, .string: value
        case .number(let text): PythonNumber.repeated(text).map { .number($0) } ?? .null
        case .array(let values): .array(values.map(pythonic))
        case .object(let object): .object(object.mapValues(pythonic))
        }
    }

    /// The rows as RFC 4180 with a header and lines ended by LF, as the official file has them. An empty string is `""`,
    /// null is nothing, and quotes stand only where they must.
    ///
    /// - Throws: ``CatalogueError/malformedReply(_:)`` when the rows have more than ``mostColumns`` different keys: each
    ///   row gets a field for every key.
    static func csv(_ rows: [JSONObject]) throws(CatalogueError) -> [UInt8] {
        var columns = officialColumns
        var known = Set(columns)
        for row in rows {
            for key in row.keys where known.insert(key).inserted { columns.append(key) }
            guard columns.count <= mostColumns else {
                throw .malformedReply("its rows have over \(mostColumns) columns")
            }
        }
        var bytes: [UInt8] = []
        appendLine(columns.map { .string($0) }, to: &bytes)
        for row in rows { appendLine(columns.map { row[$0] ?? .null }, to: &bytes) }
        return bytes
    }

    /// The official file has 54.
    private static let mostColumns = 1000

    private static func appendLine(_ values: [JSONValue], to bytes: inout [UInt8]) {
        for (position, value) in values.enumerated() {
            if position > 0 { bytes.append(UInt8(ascii: ",")) }
            switch value {
            case .null: break
            case .string(let text): appendField(text, to: &bytes)
            case .number(let text): bytes.append(contentsOf: text.utf8)
            case .bool, .array, .object: appendField(value.text(), to: &bytes)
            }
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    private static func appendField(_ text: String, to bytes: inout [UInt8]) {
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

    /// The columns of cell_types_specimen_details.csv of 2023, in its order.
    static let officialColumns = [
        "line_name", "specimen__id", "specimen__name", "specimen__hemisphere", "structure__id", "structure__name",
        "structure__acronym", "structure_parent__id", "structure_parent__acronym", "structure__layer",
        "nr__max_euclidean_distance", "nr__number_stems", "nr__number_bifurcations", "nr__average_contraction",
        "nr__average_parent_daughter_ratio", "nr__reconstruction_type", "nrwkf__id", "erwkf__id",
        "ef__fast_trough_v_long_square", "ef__upstroke_downstroke_ratio_long_square", "ef__adaptation",
        "ef__f_i_curve_slope", "ef__threshold_i_long_square", "ef__tau", "ef__avg_isi", "ef__avg_firing_rate", "ef__ri",
        "ef__peak_t_ramp", "ef__vrest", "si__height", "si__width", "si__path", "csl__x", "csl__y", "csl__z",
        "csl__normalized_depth", "cell_reporter_status", "m__glif", "m__biophys", "m__biophys_perisomatic",
        "m__biophys_all_active", "tag__apical", "tag__dendrite_type", "morph_thumb_path", "ephys_thumb_path",
        "ephys_inst_thresh_thumb_path", "donor__age", "donor__sex", "donor__disease_state", "donor__race",
        "donor__years_of_seizure_history", "donor__species", "donor__id", "donor__name",
    ]
}
