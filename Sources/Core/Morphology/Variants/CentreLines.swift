extension RunIndex {
    /// The centre lines, one voxel wide. Every edge gives the 26-connected line between the voxels nearest to its ends,
    /// every root its voxel. The edge has the code of its child; the lowest code wins.
    ///
    /// Let d be the difference of the end voxels and n its largest absolute component. The line is the voxels from +
    /// floor(d k / n + 1/2), k = 0...n, in integers: the same on every machine. Sampling, radius floor and soma options
    /// have no effect here.
    convenience init(
        centreLinesOf skeleton: Skeleton, grid: VoxelGrid, options: LabelOptions
    ) throws(LabelError) {
        try grid.validate()
        var lines = CentreLines(grid: grid, limit: options.maximumRuns)
        for (index, node) in skeleton.nodes.enumerated() {
            let to = lines.voxel(of: node)
            let from = node.parent >= 0 ? lines.voxel(of: skeleton.nodes[node.parent]) : to
            try lines.add(from: from, to: to, value: UInt16(skeleton.compartments[index].rawValue))
        }
        let resolved = lines.resolved()
        self.init(grid: grid, bytesPerVoxel: 1, words: resolved.words, starts: resolved.starts)
    }
}

/// Collects the voxels of lines and sorts them into runs.
private struct CentreLines: ~Copyable {
    private let grid: VoxelGrid
    private let limit: Int
    private var planes: [Int32] = []
    private var words = WordBuffer(capacity: 65536)
    private var work = 0

    init(grid: VoxelGrid, limit: Int) {
        self.grid = grid
        self.limit = min(limit, Int(UInt32.max))
    }

    typealias Voxel = SIMD4<Int>

    /// The nearest voxel, which may lie outside the grid.
    func voxel(of node: Skeleton.Node) -> Voxel {
        Voxel(
            Int((node.x / grid.spacingX - grid.originX + 0.5).rounded(.down)),
            Int((node.y / grid.spacingY - grid.originY + 0.5).rounded(.down)),
            Int((node.z / grid.spacingZ - grid.originZ + 0.5).rounded(.down)), 0)
    }

    /// Adds the voxels of a line that lie in the grid.
    mutating func add(from: Voxel, to: Voxel, value: UInt16) throws(LabelError) {
        let difference = to &- from
        let steps = max(abs(difference.x), abs(difference.y), abs(difference.z))
        let size = Voxel(grid.width, grid.height, grid.depth, 1)
        guard let range = stepsInside(from: from, difference: difference, steps: steps, size: size) else { return }
        work += range.count
        guard work <= limit else { throw .tooManyRuns(limit: limit) }
        for step in range {
            var at = from
            if steps > 0 {
                for axis in 0..<3 {
                    at[axis] += Self.floorDivide(2 * difference[axis] * step + steps, 2 * steps)
                }
            }
            guard at.x >= 0, at.y >= 0, at.z >= 0, at.x < size.x, at.y < size.y, at.z < size.z else { continue }
            planes.append(Int32(truncatingIfNeeded: at.z))
            words.append(PackedRun.pack(row: at.y, first: at.x, last: at.x, value: value))
        }
    }

    /// The steps during which the line can be in the grid, with at most one step too many at either end.
    private func stepsInside(from: Voxel, difference: Voxel, steps: Int, size: Voxel) -> ClosedRange<Int>? {
        var low = 0.0
        var high = Double(steps)
        for axis in 0..<3 {
            let start = Double(from[axis])
            let slope = Double(difference[axis]) / Double(max(steps, 1))
            if difference[axis] == 0 {
                guard from[axis] >= 0 && from[axis] < size[axis] else { return nil }
            } else {
                let first = (-1 - start) / slope
                let second = (Double(size[axis]) - start) / slope
                low = max(low, min(first, second))
                high = min(high, max(first, second))
            }
        }
        guard low <= high else { return nil }
        return Int(low)...min(Int(high) + 1, steps)
    }

    private static func floorDivide(_ numerator: Int, _ denominator: Int) -> Int {
        let quotient = numerator / denominator
        return numerator % denominator < 0 ? quotient - 1 : quotient
    }

    /// The voxels as sorted runs, and the index at which each plane begins.
    mutating func resolved() -> (words: [UInt64], starts: [UInt32]) {
        let depth = grid.depth
        var first = [Int](repeating: 0, count: depth + 1)
        for plane in planes { first[Int(plane) + 1] += 1 }
        for plane in 0..<depth { first[plane + 1] += first[plane] }
        var next = first
        var byPlane = [UInt64](repeating: 0, count: planes.count)
        for (index, plane) in planes.enumerated() {
            byPlane[next[Int(plane)]] = unsafe words.words[index]
            next[Int(plane)] += 1
        }
        var resolver = RunResolver(height: grid.height)
        var raw = WordBuffer(capacity: 4096)
        var output = WordBuffer(capacity: planes.count)
        var starts = [UInt32](repeating: 0, count: depth + 1)
        for plane in 0..<depth {
            raw.removeAll()
            for word in byPlane[first[plane]..<first[plane + 1]] { raw.append(word) }
            resolver.resolve(raw, into: &output)
            starts[plane + 1] = UInt32(truncatingIfNeeded: output.count)
        }
        return (output.array(), starts)
    }
}
