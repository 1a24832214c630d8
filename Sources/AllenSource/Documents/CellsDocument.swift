internal import Specimens
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

    /// The rows as a table with a header, as the official file has them.
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
        var table = SpecimenTable(columns: columns)
        for row in rows { table.append(row) }
        return table.bytes
    }

    /// The official file has 54.
    private static let mostColumns = 1000

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
