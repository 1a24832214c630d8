import Support

/// Electrophysiology, in so far as the catalogue states it; sweeps are made up.
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

    private static let stimuli: [(name: String, units: String, start: Double, duration: Double)] = [
        ("Test", "Volts", 0.01, 0.01), ("Long Square", "Amps", 1.02, 1), ("Short Square", "Amps", 1.02, 0.003),
        ("Ramp", "Amps", 1.02, 4),
    ]

    static func sweeps(_ cell: Cell) -> [RMARow] {
        guard cell.recordingFile != nil else { return [] }
        var random = Random(seed: cell.id, stream: 9)
        return (0..<12).map { number in
            let stimulus = stimuli[number == 0 ? 0 : 1 + number % 3]
            let amplitude = Double(random.whole(-11...30) * 10)
            let spikes = amplitude > 100 && number > 0 ? random.whole(1...20) : 0
            return RMARow(
                model: .ephysSweep,
                fields: [
                    "id": .int(MadeID.id(cell, .sweep, offset: number)), "num_spikes": .int(spikes),
                    "specimen_id": .int(cell.id), "stimulus_absolute_amplitude": .double(amplitude),
                    "stimulus_duration": .double(stimulus.duration), "stimulus_name": .string(stimulus.name),
                    "stimulus_start_time": .double(stimulus.start), "stimulus_units": .string(stimulus.units),
                    "sweep_number": .int(number),
                ])
        }
    }
}
