import Support

/// Electrophysiology, as far as the catalogue states it. The sweeps are invented.
enum EphysRows {
    private static let features = [
        "adaptation", "avg_firing_rate", "avg_isi", "f_i_curve_slope", "fast_trough_v_long_square", "peak_t_ramp",
        "ri", "tau", "threshold_i_long_square", "upstroke_downstroke_ratio_long_square", "vrest",
    ]

    static func feature(_ cell: Cell) -> RMARow? {
        guard cell.recordingFile != nil else { return nil }
        var fields: JSONObject = ["id": .int(MadeID.id(cell, .ephysFeature)), "specimen_id": .int(cell.id)]
        for name in features { fields[name] = cell.details["ef__" + name] ?? .null }
        return RMARow(model: .ephysFeature, fields: fields)
    }

    static func sweeps(_ cell: Cell) -> [RMARow] {
        Sweep.all(of: cell).map { sweep in
            RMARow(
                model: .ephysSweep,
                fields: [
                    "id": .int(MadeID.id(cell, .sweep, offset: sweep.number)), "num_spikes": .int(sweep.spikes),
                    "specimen_id": .int(cell.id), "stimulus_absolute_amplitude": .double(sweep.amplitude),
                    "stimulus_duration": .double(sweep.duration), "stimulus_name": .string(sweep.name),
                    "stimulus_start_time": .double(sweep.start), "stimulus_units": .string(sweep.units),
                    "sweep_number": .int(sweep.number),
                ])
        }
    }
}
