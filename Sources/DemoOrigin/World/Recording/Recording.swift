/// The recording of an invented cell: a small NWB 1.0 file. Its layout is that of the database's files, as far as
/// AllenSDK's `NwbDataSet` reads them. The metadata is created at once, samples when a range of them is read.
struct Recording {
    private struct Piece {
        var sweep: Sweep
        var isResponse: Bool
    }

    private let membrane: Membrane
    private let seed: Int
    private let pieces: [Piece]
    private let file: HDF5File

    /// The size of the file in bytes.
    var size: Int { file.size }

    init(_ cell: Cell) {
        let sweeps = Sweep.all(of: cell)
        membrane = Membrane(cell)
        seed = cell.id
        pieces = sweeps.flatMap { [Piece(sweep: $0, isResponse: false), Piece(sweep: $0, isResponse: true)] }
        file = HDF5File(root: NWBLayout.root(cell, sweeps), counts: pieces.map(\.sweep.count))
    }

    /// The bytes of a range that lies inside the file.
    func bytes(_ range: Range<Int>) -> [UInt8] {
        var result = Array(file.head[range.clamped(to: 0..<file.head.count)])
        result.reserveCapacity(range.count)
        for (index, piece) in pieces.enumerated() {
            let offset = file.offsets[index]
            let part = range.clamped(to: offset..<offset + piece.sweep.count * HDF5File.sampleBytes)
            var position = part.lowerBound
            while position < part.upperBound {
                let (number, skipped) = (position - offset).quotientAndRemainder(dividingBy: HDF5File.sampleBytes)
                let bits = sample(number, of: piece, index).bitPattern
                let end = min(part.upperBound, position - skipped + HDF5File.sampleBytes)
                for byte in skipped..<skipped + end - position {
                    result.append(UInt8(truncatingIfNeeded: bits >> (8 * byte)))
                }
                position = end
            }
        }
        return result
    }

    /// A sample with a little noise, as an amplifier gives. So no two parts of a file are equal, and a test that reads
    /// from the wrong place fails.
    private func sample(_ number: Int, of piece: Piece, _ index: Int) -> Float {
        let time = Double(number) / Sweep.rate
        let sweep = piece.sweep
        let value = piece.isResponse ? sweep.response(at: time, of: membrane) : sweep.stimulus(at: time)
        // At most 0.05 mV or 0.5 pA.
        let isVoltage = sweep.isVoltageHeld != piece.isResponse
        var random = Random(seed: seed &+ number, stream: 1000 + index)
        return Float(value + random.between(-1, 1) * (isVoltage ? 5e-5 : 5e-13))
    }
}

/// The groups of an NWB 1.0 file, as in the database.
private enum NWBLayout {
    static func root(_ cell: Cell, _ sweeps: [Sweep]) -> HDF5Node {
        let date = "Mon Jan 05 2015 09:00:00"
        return .group([
            ("acquisition", .group([("timeseries", .group(sweeps.map { (title($0), series($0, isResponse: true)) }))])),
            ("analysis", .group([("spike_times", spikeTimes(sweeps))])),
            ("epochs", .group(sweeps.flatMap { epochs($0) })),
            ("file_create_date", .value(.text(date))),
            ("general", general(cell)),
            ("identifier", .value(.text("NeuronFS demo recording of \(cell.id)"))),
            ("nwb_version", .value(.text("NWB-1.0.5"))),
            ("session_description", .value(.text("made up by the NeuronFS demo origin: not a real cell"))),
            ("session_start_time", .value(.text(date))),
            (
                "stimulus",
                .group([
                    ("presentation", .group(sweeps.map { (title($0), series($0, isResponse: false)) })),
                    ("templates", .group([])),
                ])
            ),
        ])
    }

    private static func title(_ sweep: Sweep) -> String { "Sweep_\(sweep.number)" }

    private static func general(_ cell: Cell) -> HDF5Node {
        let keys = ["name", "neuronfs demo origin", "version", "1.1"]
        return .group([
            ("generated_by", .value(.texts(keys))), ("session_id", .value(.text(String(cell.id)))),
            ("subject", .group([("species", .value(.text(cell.isHuman ? "Homo sapiens" : "Mus musculus")))])),
        ])
    }

    /// Samples in SI units: AllenSDK multiplies by `conversion` for some versions of the files, and not for others.
    private static func series(_ sweep: Sweep, isResponse: Bool) -> HDF5Node {
        let unit = sweep.isVoltageHeld != isResponse ? "Volts" : "Amps"
        var members: [(name: String, node: HDF5Node)] = [
            (
                "data",
                .samples(
                    index: 2 * sweep.number + (isResponse ? 1 : 0), count: sweep.count,
                    attributes: [("conversion", .float(1)), ("resolution", .float(0)), ("unit", .text(unit))])
            ),
            ("num_samples", .value(.integer(sweep.count))),
            (
                "starting_time",
                .value(.double(0), attributes: [("rate", .float(Float(Sweep.rate))), ("unit", .text("Seconds"))])
            ),
        ]
        if !isResponse {
            members.insert(("aibs_stimulus_amplitude_pa", .value(.double(sweep.amplitude))), at: 0)
            members.insert(("aibs_stimulus_name", .value(.text(sweep.name))), at: 1)
        }
        return .group(members, attributes: [("neurodata_type", .text("TimeSeries"))])
    }

    /// The whole sweep, and its part after the test pulse.
    private static func epochs(_ sweep: Sweep) -> [(name: String, node: HDF5Node)] {
        let whole = (title(sweep), epoch(sweep, from: 0))
        guard let first = sweep.experimentIndex else { return [whole] }
        return [("Experiment_\(sweep.number)", epoch(sweep, from: first)), whole]
    }

    private static func epoch(_ sweep: Sweep, from first: Int) -> HDF5Node {
        func part(_ path: String) -> HDF5Node {
            .group([
                ("count", .value(.integer(sweep.count - first))), ("idx_start", .value(.integer(first))),
                ("timeseries", .link(path)),
            ])
        }
        return .group(
            [
                ("description", .value(.text(sweep.name))),
                ("response", part("/acquisition/timeseries/\(title(sweep))")),
                ("start_time", .value(.double(Double(first) / Sweep.rate))),
                ("stimulus", part("/stimulus/presentation/\(title(sweep))")),
                ("stop_time", .value(.double(Double(sweep.count) / Sweep.rate))),
            ], attributes: [("neurodata_type", .text("Epoch"))])
    }

    private static func spikeTimes(_ sweeps: [Sweep]) -> HDF5Node {
        .group(
            sweeps.filter { $0.spikes > 0 }.map { (title($0), .value(.doubles($0.spikeTimes))) },
            attributes: [("neurodata_type", .text("Custom"))])
    }
}
