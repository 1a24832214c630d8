import Foundation
import Support

/// A sweep of an invented recording: the stimulus, and the response of the cell.
struct Sweep {
    /// Samples a second. The database has 200,000 or 50,000. With this rate the file is small, and a spike is still
    /// visible.
    static let rate = 5000.0
    /// Seconds at the start of a sweep that contain only the test pulse.
    static let experimentStart = 0.5

    var number: Int
    var name: String
    /// `Amps`, or `Volts` when the voltage is held and the current is measured.
    var units: String
    /// Seconds from the start of the sweep to the stimulus.
    var start: Double
    /// The length of the stimulus in seconds.
    var duration: Double
    /// pA, or mV when the voltage is held.
    var amplitude: Double
    var spikes: Int

    private static let stimuli: [(name: String, units: String, start: Double, duration: Double)] = [
        ("Test", "Volts", 0.01, 0.01), ("Long Square", "Amps", 1.02, 1), ("Short Square", "Amps", 1.02, 0.003),
        ("Ramp", "Amps", 1.02, 4),
    ]

    /// The sweeps of a cell with a recording.
    static func all(of cell: Cell) -> [Sweep] {
        guard cell.recordingFile != nil else { return [] }
        var random = Random(seed: cell.id, stream: 9)
        return (0..<12).map { number in
            let stimulus = stimuli[number == 0 ? 0 : 1 + number % 3]
            let amplitude = Double(random.whole(-11...30) * 10)
            // In this model a cell fires at most once in 50 ms.
            let most = max(1, Int(stimulus.duration * 20))
            let spikes = amplitude > 100 && number > 0 ? min(random.whole(1...20), most) : 0
            return Sweep(
                number: number, name: stimulus.name, units: stimulus.units, start: stimulus.start,
                duration: stimulus.duration, amplitude: number == 0 ? 10 : amplitude, spikes: spikes)
        }
    }

    var isVoltageHeld: Bool { units == "Volts" }

    /// The number of samples of the stimulus, and of the response: up to a tenth of a second after the stimulus.
    var count: Int { Int(((start + duration + 0.1) * Self.rate).rounded()) }

    /// The first sample after the test pulse; nil for a sweep that is only a test pulse.
    var experimentIndex: Int? { isVoltageHeld ? nil : Int(Self.experimentStart * Self.rate) }

    /// Seconds from the start of the sweep, spread evenly over the stimulus.
    var spikeTimes: [Double] { (0..<spikes).map { start + duration * (Double($0) + 0.5) / Double(spikes) } }

    /// A or V at `time`, s.
    func stimulus(at time: Double) -> Double {
        let passed = time - start
        // With a margin of half a sample, the rounding of Double has no effect.
        let half = 0.5 / Self.rate
        guard passed > -half, passed < duration - half else { return 0 }
        let full = amplitude * (isVoltageHeld ? 1e-3 : 1e-12)
        return name == "Ramp" ? full * passed / duration : full
    }

    /// V or A at `time`, s, without noise: a passive membrane, and triangles for spikes.
    func response(at time: Double, of membrane: Membrane) -> Double {
        guard !isVoltageHeld else { return stimulus(at: time) / membrane.resistance }
        let height = 0.08
        return membrane.rest + min(depolarisation(at: time, of: membrane), Membrane.ceiling) + height * spike(at: time)
    }

    /// How near the peak of a spike is: 1 at the peak, 0 at half a millisecond or more.
    private func spike(at time: Double) -> Double {
        guard spikes > 0 else { return 0 }
        let interval = duration / Double(spikes)
        let nearest = min(max(((time - start) / interval).rounded(.down), 0), Double(spikes - 1))
        return max(0, 1 - abs(time - start - (nearest + 0.5) * interval) / 0.0005)
    }

    private func depolarisation(at time: Double, of membrane: Membrane) -> Double {
        let passed = min(time - start, duration)
        guard passed > 0 else { return 0 }
        let charging = 1 - exp(-passed / membrane.tau)
        let full = amplitude * 1e-12 * membrane.resistance
        let charged = name == "Ramp" ? full * (passed - membrane.tau * charging) / duration : full * charging
        return charged * exp(-max(0, time - start - duration) / membrane.tau)
    }
}

/// The passive membrane of a cell, from its row of the catalogue.
struct Membrane {
    /// The most that current alone raises the voltage, V: a cell that fires stays near its threshold.
    static let ceiling = 0.025

    /// The resting voltage, V.
    var rest: Double
    /// The input resistance, ohm.
    var resistance: Double
    /// The time constant, s.
    var tau: Double

    /// A value that the catalogue lacks is that of an average cell.
    init(_ cell: Cell) {
        func value(_ column: String, _ fallback: Double) -> Double {
            cell.details[column]?.doubleValue ?? fallback
        }
        rest = value("ef__vrest", -70) * 1e-3
        resistance = value("ef__ri", 150) * 1e6
        tau = value("ef__tau", 15) * 1e-3
    }
}
