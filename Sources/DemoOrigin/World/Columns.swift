import Support

/// The 54 columns of ApiCellTypesSpecimenDetail and their types (docs/DATA.md 2).
enum Columns {
    enum Kind { case integer, real, text }

    static func kind(_ column: String) -> Kind {
        if integers.contains(column) { return .integer }
        if column.hasPrefix("ef__") || column.hasPrefix("csl__") || reals.contains(column) { return .real }
        return .text
    }

    private static let integers: Set<String> = [
        "specimen__id", "structure__id", "structure_parent__id", "donor__id", "nr__number_stems",
        "nr__number_bifurcations", "nrwkf__id", "erwkf__id", "si__width", "si__height", "m__glif", "m__biophys",
        "m__biophys_perisomatic", "m__biophys_all_active",
    ]

    private static let reals: Set<String> = [
        "nr__max_euclidean_distance", "nr__average_contraction", "nr__average_parent_daughter_ratio",
    ]

    static let names = [
        "cell_reporter_status", "csl__normalized_depth", "csl__x", "csl__y", "csl__z", "donor__age",
        "donor__disease_state", "donor__id", "donor__name", "donor__race", "donor__sex", "donor__species",
        "donor__years_of_seizure_history", "ef__adaptation", "ef__avg_firing_rate", "ef__avg_isi",
        "ef__f_i_curve_slope", "ef__fast_trough_v_long_square", "ef__peak_t_ramp", "ef__ri", "ef__tau",
        "ef__threshold_i_long_square", "ef__upstroke_downstroke_ratio_long_square", "ef__vrest",
        "ephys_inst_thresh_thumb_path", "ephys_thumb_path", "erwkf__id", "line_name", "m__biophys",
        "m__biophys_all_active", "m__biophys_perisomatic", "m__glif", "morph_thumb_path",
        "nr__average_contraction", "nr__average_parent_daughter_ratio", "nr__max_euclidean_distance",
        "nr__number_bifurcations", "nr__number_stems", "nr__reconstruction_type", "nrwkf__id", "si__height",
        "si__path", "si__width", "specimen__hemisphere", "specimen__id", "specimen__name", "structure__acronym",
        "structure__id", "structure__layer", "structure__name", "structure_parent__acronym", "structure_parent__id",
        "tag__apical", "tag__dendrite_type",
    ]

    /// A field of the exported table as the API sends it: a whole number in a real column has `.0`.
    static func value(_ field: CSVTable.Field, column: String) -> JSONValue {
        guard !field.text.isEmpty else { return field.isQuoted ? .string("") : .null }
        switch kind(column) {
        case .text: return .string(field.text)
        case .integer: return Int(field.text) != nil ? .number(field.text) : .string(field.text)
        case .real:
            guard let value = Double(field.text), value.isFinite else { return .string(field.text) }
            let isWhole = !field.text.contains { ".eE".contains($0) }
            return .number(isWhole ? field.text + ".0" : field.text)
        }
    }
}
