import Glibc
import Morphology
import Testing

/// Somata of several nodes, and how they are read.
@Suite struct SomaFormTests {
    static let grid = VoxelGrid(width: 50, height: 50, depth: 25, spacingX: 1, spacingY: 1, spacingZ: 1)

    static func voxels(
        _ skeleton: Skeleton, _ variant: LabelVariant = .classes, options: LabelOptions = LabelOptions()
    ) throws -> [Int] {
        try variant.source(of: skeleton, in: grid, options: options).allVoxels
    }

    // MARK: three points

    static let neurite = "4 3 26 20 10 0.5 1\n5 3 35 20 10 0.5 4\n"
    static let onePoint = "1 1 20 20 10 5 -1\n" + neurite

    @Test(arguments: [
        "1 1 20 20 10 5 -1\n2 1 20 15 10 5 1\n3 1 20 25 10 5 1\n" + neurite,
        "3 1 20 25 10 5 1\n2 1 20 15 10 5 1\n" + neurite + "1 1 20 20 10 5 -1\n",
        "1 1 20 20 10 5 -1\n2 1 20.01 15.02 9.99 5.01 1\n3 1 20 24.98 10 5 1\n" + neurite,
        "1 1 20 20 10 5 -1\n2 1 20 15 10 5 1\n3 1 20 25 10 5 1\n4 3 26 20 10 0.5 3\n5 3 35 20 10 0.5 4\n",
    ])
    func threePointsAreOneBall(_ text: String) throws {
        let (three, one) = (try SWCParserTests.parse(text), try SWCParserTests.parse(Self.onePoint))
        #expect(three.findings.threePointSomata == 1 && three.findings.nodes == 5 && three.nodes.count == 3)
        #expect(try Self.voxels(three).count { $0 == 1 } == 515)
        for variant in LabelVariant.allCases {
            #expect(try Self.voxels(three, variant) == Self.voxels(one, variant), "\(variant)")
        }
        // The heat map has one peak of 255 at the soma, and one at the tip.
        #expect(try Self.voxels(three, .nodes).count { $0 == 255 } == 2)
        #expect(try Sections(three).all.map(\.nodeCount) == [1, 2])
    }

    /// Forms that resemble three points but are none.
    @Test(arguments: [
        "1 1 20 20 10 5 -1\n2 1 20 15 10 5 1\n3 1 20 25 10 4 1\n",
        "1 1 20 20 10 5 -1\n2 1 15 20 10 5 1\n3 1 25 20 10 5 1\n",
        "1 1 20 20 10 5 -1\n2 1 20 15 10 5 1\n3 1 20 15 10 5 1\n",
        "1 1 20 20 10 5 -1\n2 1 20 15 10 5 1\n3 1 20 25 10 5 2\n",
        "1 1 20 20 10 5 -1\n2 1 20 15 10 5 1\n", "1 1 20 20 10 5 -1\n2 1 20 14 10 5 1\n3 1 20 26 10 5 1\n",
        "1 1 20 20 10 5 -1\n2 1 20 15 10 5 1\n3 1 20 25 10 5 1\n4 1 21 20 10 5 1\n",
        "9 3 10 10 10 1 -1\n1 1 20 20 10 5 9\n2 1 20 15 10 5 1\n3 1 20 25 10 5 1\n",
        "1 1 20 20 10 0 -1\n2 1 20 20 10 0 1\n3 1 20 20 10 0 1\n",
    ])
    func otherSomataStayAsTheyAre(_ text: String) throws {
        let skeleton = try SWCParserTests.parse(text)
        #expect(skeleton.findings.threePointSomata == 0 && skeleton.findings.outlinedSomata == 0)
        #expect(skeleton.nodes.count == skeleton.findings.nodes)
        #expect(try BruteForceTests.differing(skeleton.nodes, Self.grid) == 0)
    }

    @Test func everyNeuronOfAFileHasItsOwnSoma() throws {
        let second = "11 1 35 35 10 3 -1\n12 1 35 32 10 3 11\n13 1 35 38 10 3 11\n"
        let text = "1 1 20 20 10 5 -1\n2 1 20 15 10 5 1\n3 1 20 25 10 5 1\n" + second
        let skeleton = try SWCParserTests.parse(text)
        #expect(skeleton.findings.threePointSomata == 2 && skeleton.nodes.map(\.id) == [1, 11])
    }

    // MARK: outlines

    /// An outline with neurites on it, in which `turn` of the corners come before the first.
    static func outlined(
        _ corners: [(Double, Double)], z: Double = 10, radius: Double = 0, turn: Int = 0
    ) -> [Skeleton.Node] {
        let turned = Array(corners[turn...] + corners[..<turn])
        var nodes = turned.enumerated().map { index, corner in
            EdgeCaseTests.node(1, corner.0, corner.1, z, radius, index - 1, id: index)
        }
        let last = turned[turned.count - 1]
        nodes.append(EdgeCaseTests.node(3, last.0 + 4, last.1 + 1, z + 2, 0.8, nodes.count - 1, id: nodes.count))
        return nodes
    }

    static let ellipse = (0..<24).map { (step: Int) -> (Double, Double) in
        let angle = Double(step) * Double.pi / 12
        return (20 + 6 * cos(angle), 20 + 5 * sin(angle))
    }
    static let square = [(10.0, 10.0), (30.0, 10.0), (30.0, 30.0), (10.0, 30.0)]
    static let concave = [
        (8.3, 9.1), (40.2, 8.4), (41.0, 20.5), (22.0, 17.5), (21.5, 33.2), (38.4, 35.6), (37.2, 44.0), (9.6, 42.7),
    ]

    @Test(arguments: [ellipse, square, concave], [0, 2])
    func outlinesAreFilled(_ corners: [(Double, Double)], turn: Int) throws {
        for (z, radius) in [(10.0, 0.0), (10.4, 0.1), (-0.3, 0.3)] {
            let nodes = Self.outlined(corners, z: z, radius: radius, turn: turn)
            let skeleton = try Skeleton(nodes: nodes)
            #expect(skeleton.findings.outlinedSomata == 1 && skeleton.findings.outlineNodes == corners.count)
            for sampling in PlaneSampling.allCases {
                for floor in [true, false] {
                    var options = LabelOptions()
                    options.sampling = sampling
                    options.radiusFloor = floor
                    var oracle = Oracle(nodes, Self.grid, floor: floor, slab: sampling == .slab)
                    oracle.outline = Array(corners.indices)
                    #expect(try Self.voxels(skeleton, options: options) == oracle.filledVolume, "\(options), z \(z)")
                }
            }
        }
    }

    /// Levels of a pyramid, uneven spacings and shifted grids each have their own rows.
    @Test func outlinesAreFilledOnAnyGrid() throws {
        let nodes = Self.outlined(Self.concave)
        let full = VoxelGrid(
            width: 61, height: 90, depth: 14, spacingX: 0.7, spacingY: 0.5, spacingZ: 1.3, originX: 5.25, originY: 2,
            originZ: 1)
        for grid in [full, full.level(1), full.level(3)] {
            var oracle = Oracle(nodes, grid)
            oracle.outline = Array(Self.concave.indices)
            #expect(
                try LabelVariant.classes.source(of: Skeleton(nodes: nodes), in: grid).allVoxels == oracle.filledVolume)
        }
    }

    /// Version 0.1.0 drew this file as a ring. Every voxel of its plane inside the outline is soma.
    @Test func theAreaHasNoHole() throws {
        let source = try LabelVariant.classes.source(of: Skeleton(nodes: Self.outlined(Self.ellipse)), in: Self.grid)
        let plane = source.plane(10)
        for j in 0..<50 {
            for i in 0..<50 {
                let (x, y) = ((Double(i) - 20) / 6, (Double(j) - 20) / 5)
                if x * x + y * y < 0.95 { #expect(plane[j * 50 + i] == 1) }
            }
        }
        #expect(plane.count { $0 == 1 } == 119)
    }

    @Test func everyVariantKnowsTheOutline() throws {
        let skeleton = try Skeleton(nodes: Self.outlined(Self.ellipse))
        let classes = try Self.voxels(skeleton)
        let inside: [Bool] = classes.map { $0 > 0 }
        let near: [Bool] = try Self.voxels(skeleton, .distance).map { $0 >= 128 }
        let binary: [Bool] = try Self.voxels(skeleton, .binary).map { $0 > 0 }
        #expect(near == inside && binary == inside)
        let counts: [Int] = try Sections(skeleton).all.map(\.nodeCount)
        #expect(counts == [24, 1])
        let sections: [Int] = classes.map { $0 == 3 ? 2 : $0 }
        #expect(try Self.voxels(skeleton, .instance) == sections)
        // One peak at the centre, none at the corners.
        let peaks = try Self.voxels(skeleton, .nodes)
        #expect(peaks[(10 * 50 + 20) * 50 + 20] == 255 && peaks[(10 * 50 + 20) * 50 + 14] == 0)
    }

    /// Outside, the distance is that to the area. The oracle measures it from the definition of the area.
    @Test func distancesToAnOutline() throws {
        let nodes = Array(Self.outlined(Self.square).dropLast())
        var options = LabelOptions()
        options.clip = 9
        let codes = try Self.voxels(Skeleton(nodes: nodes), .distance, options: options)
        let floor = 0.5 * sqrt(3.0)
        for at in codes.indices {
            let (x, y) = (Double(at % 50), Double(at / 50 % 50))
            let (dx, dy, dz) = (max(0, 10 - x, x - 30), max(0, 10 - y, y - 30), Double(at / 2500) - 10)
            let distance = sqrt(dx * dx + dy * dy + dz * dz) - floor
            let low = Int(DistanceField.code(distance: distance + 1e-9, clip: 9))
            let high = Int(DistanceField.code(distance: distance - 1e-9, clip: 9))
            #expect(codes[at] >= low && codes[at] <= high)
        }
    }

    /// Lines that enclose nothing, bodies of thick nodes, and a soma with a branch are no outlines. Thin ones get a
    /// warning.
    @Test(arguments: [
        ("1 1 10 10 5 0 -1\n2 1 20 10 5 0 1\n3 1 30 10 5 0 2\n4 1 40 10 5 0 3\n", 4),
        ("1 1 10 10 5 0 -1\n2 1 20 10 5 0 1\n3 1 10 10.5 5 0 2\n4 1 10 10.2 5 0 3\n", 4),
        ("1 1 10 10 5 3 -1\n2 1 20 10 5 3 1\n3 1 20 20 5 3 2\n4 1 10 20 5 3 3\n", 0),
        ("1 1 10 10 5 0 -1\n2 1 20 10 5 0 1\n3 1 20 20 5 0 2\n4 1 10 20 5 0 3\n5 1 5 5 5 0 1\n", 5),
        ("1 1 10 10 5 0 -1\n2 1 20 10 5 0 1\n3 1 20 20 5 0 2\n", 0),
        ("1 1 10 10 5 0 -1\n2 1 20 10 5 0 1\n3 1 20 20 5 0 1\n4 1 10 20 5 0 1\n", 4),
        ("1 1 10 10 5 0 -1\n2 1 20 10 5 0 -1\n3 1 20 20 5 0 -1\n4 1 10 20 5 0 -1\n5 3 10 25 5 0 4\n", 4),
    ])
    func noOutlines(_ text: String, thin: Int) throws {
        let skeleton = try SWCParserTests.parse(text)
        #expect(skeleton.findings.outlinedSomata == 0 && skeleton.findings.thinSomaNodes == thin)
        #expect(skeleton.findings.warnings.count == (thin > 0 ? 1 : 0))
        #expect(try BruteForceTests.differing(skeleton.nodes, Self.grid) == 0)
    }

    @Test func anOutlineThatIsNotInOnePlaneIsRefused() throws {
        let text = "# tilted\n1 1 10 10 5 0 -1\n2 1 20 10 5 0 1\n3 1 20 20 8 0 2\n4 1 10 20 8 0 3\n"
        let error = try #require(throws: SWCError.self) { try SWCParserTests.parse(text) }
        #expect(
            error.line == 2 && error.reason.contains("outline of 4 nodes") && error.reason.contains("5.0 to 8.0 um"))
    }

    @Test func anOutlineIsTold() throws {
        let warnings = try Skeleton(nodes: Self.outlined(Self.ellipse)).findings.warnings
        #expect(warnings.count == 1 && warnings[0].contains("outline of 24 nodes"))
    }

    @Test func fillingHasABound() throws {
        var options = LabelOptions()
        options.maximumRuns = 30
        let skeleton = try Skeleton(nodes: Self.outlined(Self.square))
        #expect(throws: LabelError.tooManyRuns(limit: 30)) {
            try LabelVariant.classes.source(of: skeleton, in: Self.grid, options: options)
        }
    }
}
