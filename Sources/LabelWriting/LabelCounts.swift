import Morphology
import Support

/// How many voxels have each value.
struct LabelCounts {
    private var counts = [Int](repeating: 0, count: 1 << 16)

    /// Counts the runs of `source`.
    init(_ source: any LabelSource) {
        var counts = counts
        for plane in 0..<source.grid.depth {
            source.forEachRun(plane: plane, rows: 0..<source.grid.height) { run in
                counts[Int(run.value)] += run.columns.count
            }
        }
        self.counts = counts
    }

    /// Voxels of value `value`.
    func count(_ value: UInt16) -> Int { counts[Int(value)] }

    /// Voxels that are not background.
    var total: Int { counts.reduce(0, +) }

    /// Value by value, those that occur.
    var json: JSONValue {
        var object = JSONObject()
        for (value, count) in counts.enumerated() where count > 0 { object[String(value)] = .int(count) }
        return .object(object)
    }
}
