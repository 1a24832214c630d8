/// A label volume as runs of equal voxels, sorted by plane, row and column: 8 bytes for a run and 4 for a plane.
///
/// It is built once from the solids of a skeleton. Then painting a plane is one memset and its runs. A neuron has 12 to
/// 540 thousand runs, 0.1 to 4.3 MB. Immutable.
public final class RunIndex: LabelSource {
    /// The voxels of the index.
    public let grid: VoxelGrid
    /// 1, or 2 for section ids.
    public let bytesPerVoxel: Int

    /// All runs, see `PackedRun`. Within a row they do not overlap, and equal neighbours are merged.
    let words: [UInt64]
    /// The index in `words` at which each plane begins; `grid.depth` + 1 entries.
    let starts: [UInt32]

    init(grid: VoxelGrid, bytesPerVoxel: Int, words: [UInt64], starts: [UInt32]) {
        self.grid = grid
        self.bytesPerVoxel = bytesPerVoxel
        self.words = words
        self.starts = starts
    }

    /// Runs in the volume.
    public var runCount: Int { words.count }

    /// Heap bytes of the runs and the plane table.
    public var footprint: Int { words.count * 8 + starts.count * 4 }

    /// Voxels that are not background.
    public var voxelCount: Int {
        words.reduce(0) { count, word in count + PackedRun.last(word) - PackedRun.first(word) + 1 }
    }

    /// Calls `body` with the words of a plane from row `row` on. Does nothing for a plane outside the grid.
    @inline(__always) func withWords(
        plane: Int, fromRow row: Int, _ body: (UnsafeBufferPointer<UInt64>) -> Void
    ) {
        guard plane >= 0 && plane < grid.depth else { return }
        let end = Int(starts[plane + 1])
        let begin = Int(starts[plane])
        unsafe words.withUnsafeBufferPointer { all in
            let from = unsafe Self.lowerBound(all, begin, end, UInt64(truncatingIfNeeded: max(row, 0)) << 48)
            unsafe body(UnsafeBufferPointer(rebasing: all[from..<end]))
        }
    }

    /// The first index in `low..<high` whose word is at least `key`.
    @inline(__always) private static func lowerBound(
        _ words: UnsafeBufferPointer<UInt64>, _ low: Int, _ high: Int, _ key: UInt64
    ) -> Int {
        var base = low
        var count = high - low
        while count > 0 {
            let half = count >> 1
            let below = unsafe words[base + half] < key
            base = below ? base + half + 1 : base
            count = below ? count - half - 1 : half
        }
        return base
    }

    /// See `LabelSource`.
    public func isEmpty(planes: Range<Int>, x: Range<Int>, y: Range<Int>) -> Bool {
        guard !x.isEmpty, !y.isEmpty else { return true }
        var isEmpty = true
        for plane in planes.clamped(to: 0..<grid.depth) where isEmpty {
            unsafe withWords(plane: plane, fromRow: y.lowerBound) { words in
                for index in 0..<words.count {
                    let word = unsafe words[index]
                    if PackedRun.row(word) >= y.upperBound { break }
                    if PackedRun.first(word) < x.upperBound && PackedRun.last(word) >= x.lowerBound {
                        isEmpty = false
                        break
                    }
                }
            }
        }
        return isEmpty
    }

    /// See `LabelSource`: a walk over the stored runs.
    public func forEachRun(plane: Int, rows: Range<Int>, _ body: (LabelRun) -> Void) {
        unsafe withWords(plane: plane, fromRow: rows.lowerBound) { words in
            for index in 0..<words.count {
                let word = unsafe words[index]
                if PackedRun.row(word) >= rows.upperBound { break }
                body(PackedRun.run(word))
            }
        }
    }
}
