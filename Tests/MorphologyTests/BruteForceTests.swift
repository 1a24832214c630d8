import Morphology
import Testing

/// Compares the engine with the definition, voxel by voxel. No difference is tolerated.
@Suite struct BruteForceTests {
    static let small = VoxelGrid(width: 44, height: 37, depth: 17, originX: 1, originY: 1)

    /// Voxels that differ between the engine and the oracle.
    static func differing(
        _ nodes: [Skeleton.Node], _ grid: VoxelGrid, variant: LabelVariant = .classes,
        options: LabelOptions = LabelOptions()
    ) throws -> Int {
        let source = try variant.source(of: Skeleton(nodes: nodes), in: grid, options: options)
        let oracle = Oracle(
            nodes, grid, floor: options.radiusFloor, taper: options.somaEdge == .taper, slab: options.sampling == .slab)
        let expected = oracle.volume.map { value in
            switch variant {
            case .classes3: value == 4 ? 3 : value
            case .binary: value == 0 ? 0 : 1
            default: value
            }
        }
        return zip(source.allVoxels, expected).count { pair in pair.0 != pair.1 }
    }

    /// Runs `differing` over seeds. On a failure it drops nodes while the case still fails, and reports the rest.
    static func check(
        seeds: Range<Int>, count: Int, grid: VoxelGrid, variant: LabelVariant = .classes,
        options: LabelOptions = LabelOptions()
    ) throws {
        for seed in seeds {
            let nodes = NeuronGenerator.awkward(seed, count: count, in: grid)
            let wrong = try differing(nodes, grid, variant: variant, options: options)
            guard wrong > 0 else { continue }
            let least = NeuronGenerator.shrunk(nodes) { candidate in
                ((try? differing(candidate, grid, variant: variant, options: options)) ?? 0) > 0
            }
            Issue.record("seed \(seed): \(wrong) voxels differ on \(grid), \(options); still with \(least)")
        }
    }

    @Test func classesOfAwkwardNeurons() throws {
        try Self.check(seeds: 0..<40, count: 14, grid: Self.small)
    }

    @Test func withoutTheFloorAndWithTaper() throws {
        var options = LabelOptions()
        options.radiusFloor = false
        options.somaEdge = .taper
        try Self.check(seeds: 100..<115, count: 14, grid: Self.small, options: options)
    }

    @Test func slabSampling() throws {
        var options = LabelOptions()
        options.sampling = .slab
        try Self.check(seeds: 200..<212, count: 14, grid: Self.small, options: options)
        options.radiusFloor = false
        try Self.check(seeds: 212..<220, count: 14, grid: Self.small, options: options)
    }

    @Test(arguments: [LabelVariant.classes3, .binary])
    func derivedCodes(_ variant: LabelVariant) throws {
        try Self.check(seeds: 300..<303, count: 14, grid: Self.small, variant: variant)
    }

    @Test func everyPyramidLevel() throws {
        let full = VoxelGrid(width: 173, height: 150, depth: 9, originX: 1, originY: 1)
        for level in 1...4 { try Self.check(seeds: 400..<406, count: 14, grid: full.level(level)) }
    }

    @Test func unevenSpacing() throws {
        let grid = VoxelGrid(
            width: 30, height: 41, depth: 22, spacingX: 0.31, spacingY: 0.17, spacingZ: 0.1, originX: -7.25, originY: 3,
            originZ: 11)
        try Self.check(seeds: 500..<512, count: 14, grid: grid)
    }
}
