import Morphology
import Testing

/// Shapes chosen by hand, and the frame.
@Suite struct EdgeCaseTests {
    static func node(_ type: Int, _ x: Double, _ y: Double, _ z: Double, _ r: Double, _ parent: Int, id: Int)
        -> Skeleton.Node
    {
        Skeleton.Node(id: id, type: type, x: x, y: y, z: z, radius: r, parent: parent)
    }

    /// A chain of one neurite: no soma, and each node is the parent of the next.
    static func chain(_ points: [(Double, Double, Double, Double)], type: Int = 3) -> [Skeleton.Node] {
        points.enumerated().map { index, p in node(type, p.0, p.1, p.2, p.3, index - 1, id: index) }
    }

    static func expectExact(_ nodes: [Skeleton.Node], _ grid: VoxelGrid, _ comment: Comment) throws {
        for sampling in PlaneSampling.allCases {
            var options = LabelOptions()
            options.sampling = sampling
            #expect(try BruteForceTests.differing(nodes, grid, options: options) == 0, comment)
        }
    }

    @Test func solidsOfEveryShape() throws {
        let s = 0.1144
        let grid = VoxelGrid(width: 40, height: 36, depth: 14)
        let c = (20 * s, 18 * s, 7 * 0.28)
        try Self.expectExact(Self.chain([(c.0, c.1, c.2, 5 * s)]), grid, "ball on a voxel centre, whole-pixel radius")
        try Self.expectExact(Self.chain([(5 * s, c.1, c.2, 4 * s), (30 * s, c.1, c.2, 4 * s)]), grid, "tube along x")
        try Self.expectExact(Self.chain([(c.0, 5 * s, c.2, 4 * s), (c.0, 30 * s, c.2, 4 * s)]), grid, "tube along y")
        try Self.expectExact(Self.chain([(c.0, c.1, -9, 4 * s), (c.0, c.1, 30, 4 * s)]), grid, "tube along z")
        try Self.expectExact(Self.chain([(c.0, c.1, c.2, 8 * s), (c.0 + s, c.1, c.2, 2 * s)]), grid, "ball in ball")
        try Self.expectExact(
            Self.chain([(c.0, c.1, c.2, 2 * s), (c.0 + s, c.1, c.2, 8 * s)]), grid, "ball in later ball")
        try Self.expectExact(
            Self.chain([(c.0, c.1, c.2, 8 * s), (c.0 + 6 * s, c.1, c.2, 2 * s)]), grid, "balls touching from inside")
        try Self.expectExact(
            Self.chain([(c.0, c.1, c.2, 8 * s), (c.0 + 6.001 * s, c.1, c.2, 2 * s)]), grid, "a sliver of a cone")
        try Self.expectExact(Self.chain([(c.0, c.1, c.2, 3 * s), (c.0, c.1, c.2, 5 * s)]), grid, "coincident nodes")
        try Self.expectExact(
            Self.chain([(c.0, c.1, c.2, 6 * s), (c.0 + 12 * s, c.1 + 9 * s, c.2, 0)]), grid, "cone to a point")
        try Self.expectExact(
            Self.chain([(-30, -20, -10, 0.3), (40, 30, 20, 2.5)]), grid, "long diagonal from outside to outside")
        try Self.expectExact(Self.chain([(c.0, c.1, c.2, 60)]), grid, "a ball around the whole grid")
        try Self.expectExact(Self.chain([(-3, c.1, c.2, 2), (-2, c.1, c.2, 1)]), grid, "beside the grid")
        try Self.expectExact(Self.chain([(0, 0, 0, 0), (39 * s, 35 * s, 13 * 0.28, 0)]), grid, "corner to corner")
    }

    @Test func edgeOver55Planes() throws {
        let grid = VoxelGrid(width: 30, height: 26, depth: 60)
        try Self.expectExact(
            Self.chain([(0.5, 0.4, 0.7, 0.1144), (2.9, 2.4, 0.7 + 55 * 0.28, 0.3432)]), grid, "55 planes")
    }

    /// 1.7 mm from the origin, where Float would be wrong by half a thousandth of a micrometre.
    @Test func farFromTheOrigin() throws {
        let grid = VoxelGrid(width: 40, height: 34, depth: 12, originX: 15001, originY: 15890, originZ: 640)
        try BruteForceTests.check(seeds: 700..<704, count: 14, grid: grid)
    }

    @Test func tiesBelongToTheSolid() throws {
        let grid = VoxelGrid(width: 21, height: 3, depth: 3)
        // A voxel centre up to 1e-6 um outside the ball is inside; one farther away is not.
        for (short, columns) in [(0, 5..<16), (0.9e-6, 5..<16), (1.1e-6, 6..<15)] {
            let ball = Self.chain([(10 * 0.1144, 0.1144, 0.28, 5 * 0.1144 - short)])
            let runs = try LabelVariant.binary.source(of: Skeleton(nodes: ball), in: grid).runs(plane: 1)
            #expect(runs.first { $0.row == 1 }?.columns == columns)
            // The same for the side of a tube along y.
            let tube = Self.chain([
                (10 * 0.1144, -3, 0.28, 5 * 0.1144 - short), (10 * 0.1144, 3, 0.28, 5 * 0.1144 - short),
            ])
            let rows = try LabelVariant.binary.source(of: Skeleton(nodes: tube), in: grid).runs(plane: 1)
            #expect(rows.map(\.columns) == [columns, columns, columns])
            // The same for both caps of a tube along x.
            for (end, whole) in [(3.0, columns.lowerBound..<21), (-3.0, 0..<columns.upperBound)] {
                let capped = Self.chain([
                    (10 * 0.1144, 0.1144, 0.28, 5 * 0.1144 - short), (end, 0.1144, 0.28, 5 * 0.1144 - short),
                ])
                for nodes in [capped, Self.chain([capped[1], capped[0]].map { ($0.x, $0.y, $0.z, $0.radius) })] {
                    let middle = try LabelVariant.binary.source(of: Skeleton(nodes: nodes), in: grid)
                        .runs(plane: 1, rows: 1..<2)
                    #expect(middle.map(\.columns) == [whole])
                }
            }
        }
    }

    @Test func theLowestCodeWins() throws {
        let grid = VoxelGrid(width: 30, height: 30, depth: 5)
        let nodes = [4, 255, 2, 3, 1].enumerated().map { index, type in
            Self.node(type, 1.7 + Double(index) * 0.2, 1.7, 0.56, 0.9, -1, id: index)
        }
        #expect(try BruteForceTests.differing(nodes, grid) == 0)
    }

    @Test func theSomaEdgeIsATubeOrATaper() throws {
        let grid = VoxelGrid(width: 60, height: 30, depth: 9)
        let nodes = [Self.node(1, 1.7, 1.7, 1.1, 1.2, -1, id: 1), Self.node(3, 5.5, 1.7, 1.1, 0.2, 0, id: 2)]
        var taper = LabelOptions()
        taper.somaEdge = .taper
        #expect(try BruteForceTests.differing(nodes, grid) == 0)
        #expect(try BruteForceTests.differing(nodes, grid, options: taper) == 0)
        let skeleton = try Skeleton(nodes: nodes)
        #expect(
            try RunIndex(skeleton, grid: grid).voxelCount < RunIndex(skeleton, grid: grid, options: taper).voxelCount)
    }

    // MARK: grids

    @Test func levelsCoverTheirVoxels() {
        let grid = VoxelGrid(width: 11, height: 8, depth: 3, originX: 1, originY: -4)
        for n in 0...4 {
            let level = grid.level(n)
            let factor = 1 << n
            #expect(level.width == (11 + factor - 1) / factor && level.height == (8 + factor - 1) / factor)
            #expect(level.depth == 3 && level.spacingZ == grid.spacingZ && level.originZ == grid.originZ)
            for i in 0..<level.width {
                let middle = (grid.x(i * factor) + grid.x(i * factor + factor - 1)) / 2
                #expect(abs(level.x(i) - middle) < 1e-12)
            }
            for j in 0..<level.height {
                #expect(abs(level.y(j) - (grid.y(j * factor) + grid.y(j * factor + factor - 1)) / 2) < 1e-12)
            }
            #expect(grid.level(n).level(1).x(0) == grid.level(n + 1).x(0))
        }
        #expect(abs(VoxelGrid(width: 1, height: 1, depth: 1).halfDiagonal - 0.16169) < 1e-5)
    }

    @Test func skeletonsOfAnotherFrameAreRefused() throws {
        let frame = VoxelGrid(width: 5760, height: 7568, depth: 627, originX: 1, originY: 1)
        func refusal(_ x: Double, _ y: Double, _ z: Double) throws -> String? {
            frame.refusal(of: try Skeleton(nodes: Self.chain([(300, 400, 90, 1), (x, y, z, 1)])))
        }
        #expect(try refusal(655, 860, 174) == nil)
        #expect(try refusal(0, 0, 0) == nil)
        #expect(try refusal(-4, 870, 179) == nil)
        #expect(try #require(try refusal(-179, 400, 90)).contains("upright"))
        #expect(try #require(try refusal(300, -497.59, 90)).contains("-497.59"))
        #expect(try #require(try refusal(300, 400, -6)).contains("z"))
        #expect(try #require(try refusal(700, 400, 90)).contains("658.94"))
        #expect(try #require(try refusal(300, 900, 90)).contains("y coordinates"))
        #expect(try #require(try refusal(300, 400, 200)).contains("z coordinates"))
    }
}
