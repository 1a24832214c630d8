extension RunIndex {
    /// The index of a variant made of solids: `classes`, `classes3` or `binary`.
    /// - Throws: `LabelError.grid`, or `tooManyRuns` above `options.maximumRuns`.
    public convenience init(
        _ skeleton: Skeleton, variant: LabelVariant = .classes, grid: VoxelGrid, options: LabelOptions = LabelOptions()
    ) throws(LabelError) {
        try grid.validate()
        let list = try SolidList(
            skeleton, in: grid, floor: SolidList.floor(options, grid), options: options
        ) { _, compartment in
            switch variant {
            case .binary: 1
            case .classes3 where compartment == .apical: UInt16(Compartment.basal.rawValue)
            default: UInt16(compartment.rawValue)
            }
        }
        try self.init(solids: list.solids, grid: grid, options: options, bytesPerVoxel: 1)
    }

    /// The union of `solids`. Where they overlap, the lowest value wins.
    convenience init(
        solids: [RoundedCone], grid: VoxelGrid, options: LabelOptions, bytesPerVoxel: Int
    ) throws(LabelError) {
        var builder = RunIndexBuilder(grid: grid, options: options)
        let starts = try builder.build(solids)
        self.init(grid: grid, bytesPerVoxel: bytesPerVoxel, words: builder.output.array(), starts: starts)
    }
}

/// Goes through the planes from top to bottom with the solids that reach each of them.
struct RunIndexBuilder: ~Copyable {
    private let grid: VoxelGrid
    private let sampling: PlaneSampling
    private let limit: Int
    private let inverseX, inverseY, inverseZ: Double
    /// The rows visited so far: an upper bound of the raw runs.
    private var work = 0
    private var raw = WordBuffer(capacity: 4096)
    private var resolver: RunResolver
    private(set) var output = WordBuffer(capacity: 65536)

    init(grid: VoxelGrid, options: LabelOptions) {
        self.grid = grid
        sampling = options.sampling
        limit = min(options.maximumRuns, Int(UInt32.max))
        inverseX = 1 / grid.spacingX
        inverseY = 1 / grid.spacingY
        inverseZ = 1 / grid.spacingZ
        resolver = RunResolver(height: grid.height)
    }

    /// Fills `output` and returns the index at which each plane begins in it.
    mutating func build(_ solids: [RoundedCone]) throws(LabelError) -> [UInt32] {
        let buckets = PlaneBuckets(solids.map { solid in planes(of: solid) }, depth: grid.depth)
        var starts = [UInt32](repeating: 0, count: grid.depth + 1)
        var active: [Int32] = []
        for plane in 0..<grid.depth {
            buckets.advance(&active, to: plane)
            if !active.isEmpty {
                raw.removeAll()
                let z = grid.z(plane)
                for index in active {
                    switch sampling {
                    case .centre: addCentre(solids[Int(index)], z)
                    case .slab: addSlab(solids[Int(index)], z)
                    }
                    guard work <= limit else { throw .tooManyRuns(limit: limit) }
                }
                resolver.resolve(raw, into: &output)
            }
            starts[plane + 1] = UInt32(truncatingIfNeeded: output.count)
        }
        return starts
    }

    /// The planes that a solid can touch; empty when it lies beside the grid.
    private func planes(of solid: RoundedCone) -> Range<Int> {
        let x = solid.xRange
        let y = solid.yRange
        let z = solid.zRange
        let half = sampling == .slab ? 0.5 * grid.spacingZ : 0
        guard x.upperBound >= grid.x(0), x.lowerBound <= grid.x(grid.width - 1), y.upperBound >= grid.y(0),
            y.lowerBound <= grid.y(grid.height - 1)
        else { return 0..<0 }
        let first = VoxelGrid.firstIndex(
            z.lowerBound - half, inverse: inverseZ, origin: grid.originZ, limit: grid.depth)
        let last = VoxelGrid.lastIndex(
            z.upperBound + half, inverse: inverseZ, origin: grid.originZ, limit: grid.depth)
        return first..<max(first, last + 1)
    }

    /// Adds the raw runs of a solid on the plane at `z`, sampled at voxel centres.
    private mutating func addCentre(_ solid: RoundedCone, _ z: Double) {
        let rows = solid.shadow.interval(at: z)
        guard rows.low <= rows.high else { return }
        let firstRow = VoxelGrid.firstIndex(
            solid.shadow.lineA + rows.low, inverse: inverseY, origin: grid.originY, limit: grid.height)
        let lastRow = VoxelGrid.lastIndex(
            solid.shadow.lineA + rows.high, inverse: inverseY, origin: grid.originY, limit: grid.height)
        guard firstRow <= lastRow else { return }
        work += lastRow - firstRow + 1
        raw.reserve(lastRow - firstRow + 1)
        var row = firstRow
        while row <= lastRow {
            let y = grid.y(row)
            let interval = solid.interval(y: y, z: z)
            if interval.low <= interval.high {
                var first = VoxelGrid.firstIndex(
                    solid.ax + interval.low, inverse: inverseX, origin: grid.originX, limit: grid.width)
                var last = VoxelGrid.lastIndex(
                    solid.ax + interval.high, inverse: inverseX, origin: grid.originX, limit: grid.width)
                let exact = ConeRow(solid, y: y, z: z)
                while first <= last && !exact.contains(grid.x(first)) { first += 1 }
                while last > first && !exact.contains(grid.x(last)) { last -= 1 }
                if first <= last {
                    raw.append(PackedRun.pack(row: row, first: first, last: last, value: solid.value))
                }
            }
            row += 1
        }
    }

    /// Adds the raw runs of a solid on the plane at `z`, sampled anywhere in the plane's thickness.
    private mutating func addSlab(_ solid: RoundedCone, _ z: Double) {
        let half = 0.5 * grid.spacingZ
        let slab = ConeSlab(solid, z: (z - half)...(z + half))
        let rows = slab.rows
        guard rows.low <= rows.high else { return }
        let firstRow = VoxelGrid.firstIndex(
            solid.shadow.lineA + rows.low, inverse: inverseY, origin: grid.originY, limit: grid.height)
        let lastRow = VoxelGrid.lastIndex(
            solid.shadow.lineA + rows.high, inverse: inverseY, origin: grid.originY, limit: grid.height)
        guard firstRow <= lastRow else { return }
        work += lastRow - firstRow + 1
        for row in firstRow...lastRow {
            let y = grid.y(row)
            let columns = slab.columns(y: y)
            guard columns.low <= columns.high else { continue }
            var first = VoxelGrid.firstIndex(
                solid.ax + columns.low, inverse: inverseX, origin: grid.originX, limit: grid.width)
            var last = VoxelGrid.lastIndex(
                solid.ax + columns.high, inverse: inverseX, origin: grid.originX, limit: grid.width)
            while first <= last && !slab.contains(x: grid.x(first), y: y) { first += 1 }
            while last > first && !slab.contains(x: grid.x(last), y: y) { last -= 1 }
            if first <= last {
                raw.append(PackedRun.pack(row: row, first: first, last: last, value: solid.value))
            }
        }
    }
}

/// Items sorted by the first plane they touch.
struct PlaneBuckets {
    private let ranges: [Range<Int>]
    private var order: [Int32] = []
    private var starts: [Int32]

    /// Items with an empty range are left out.
    init(_ ranges: [Range<Int>], depth: Int) {
        self.ranges = ranges
        starts = [Int32](repeating: 0, count: depth + 1)
        for range in ranges where !range.isEmpty { starts[range.lowerBound + 1] += 1 }
        for plane in 0..<depth { starts[plane + 1] += starts[plane] }
        var next = starts
        order = [Int32](repeating: 0, count: Int(starts[depth]))
        for (index, range) in ranges.enumerated() where !range.isEmpty {
            order[Int(next[range.lowerBound])] = Int32(truncatingIfNeeded: index)
            next[range.lowerBound] += 1
        }
    }

    /// Removes the items that end before `plane` and adds those that begin on it. Call it for planes in ascending
    /// order.
    func advance(_ active: inout [Int32], to plane: Int) {
        if !active.isEmpty { active.removeAll { index in ranges[Int(index)].upperBound <= plane } }
        active.append(contentsOf: order[Int(starts[plane])..<Int(starts[plane + 1])])
    }
}
