import Morphology
import Testing

/// The statements in the comments of a file, and the warnings about them.
@Suite struct SWCHeaderTests {
    static let node = "1 1 8000 6000 4000 1893 -1\n"

    static func parse(_ header: String, _ nodes: String = node, units: LengthUnit? = nil) throws -> Skeleton {
        try Skeleton.parse(Array((header + nodes).utf8), units: units, voxel: SIMD3(0.1, 0.1, 0.5))
    }

    // MARK: units

    @Test(arguments: [
        ("# Meta: {\"units\": \"1 nanometer\"}\n", "nm"),
        ("# Meta: {\"id\": 3, \"units\": \"nanometer\", \"a\": 1}\n", "nm"),
        ("# Coordinate system / units: nm\n", "nm"), ("#units=nm\n", "nm"), ("# Unit : Nanometres\n", "nm"),
        ("# units: (nm)\n", "nm"), ("# {\"units\": [\"1 nm\", \"1 nm\", \"1 nm\"]}\n", "nm"), ("# units: 1nm\n", "nm"),
    ])
    func unitsOfTheHeaderAreApplied(_ header: String, _ units: String) throws {
        let skeleton = try Self.parse(header)
        #expect(skeleton.nodes == [Skeleton.Node(id: 1, type: 1, x: 8, y: 6, z: 4, radius: 1.893, parent: -1)])
        #expect(skeleton.findings.units == units && skeleton.findings.unitsSource == .header)
        #expect(skeleton.findings.warnings.isEmpty)
    }

    @Test func unitsOfOtherSizes() throws {
        func x(_ header: String, _ units: LengthUnit? = nil) throws -> Double? {
            try Self.parse(header, "1 1 80 60 40 5 -1\n", units: units).nodes.first?.x
        }
        #expect(try x("# units: 8 nm\n") == 80 * (8 * 0.001))
        #expect(try x("# units: micrometers\n") == 80 && x("# units: \u{B5}m\n") == 80 && x("") == 80)
        #expect(try x("# units: pixels\n") == 80 * 0.1)
        #expect(try Self.parse("# units: 8 nm\n").findings.units == "8 nm")
        #expect(try Self.parse("# unit: mm\n", "1 1 0.5 0 0 0.01 -1\n").nodes.first?.x == 500)
        #expect(try Self.parse("# unit: px\n", "1 1 10 20 30 5 -1\n").nodes.first?.z == 15)
    }

    /// Comments that state no unit.
    @Test(arguments: ["# community: nm\n", "# units\n", "# the unit is nm\n", "# united = nm\n", "#\n", "# unit"])
    func otherWordsStateNothing(_ header: String) throws {
        let skeleton = try Self.parse(header + "\n", "1 1 1 2 3 1 -1\n")
        #expect(skeleton.nodes.first?.x == 1 && skeleton.findings.unitsSource == .assumed)
        #expect(skeleton.findings.warnings.isEmpty)
    }

    @Test func unitsThatAreNotFollowedAreTold() throws {
        let asked = try Self.parse("# units: nm\n", "1 1 1 2 3 1 -1\n", units: .um)
        #expect(asked.nodes.first?.x == 1 && asked.findings.unitsSource == .asked)
        #expect(asked.findings.warnings == ["the header states units of nm, the numbers are read as um"])
        #expect(try Self.parse("# units: nm\n", units: .nm).findings.warnings.isEmpty)
        let odd = try Self.parse("# units: furlong\u{1B}[2J\n", "1 1 1 2 3 1 -1\n")
        #expect(odd.findings.warnings == ["the header states units of \"furlong?[2j\", the numbers are read as um"])
        let uneven = try Self.parse("# units: [\"4 nm\", \"4 nm\", \"40 nm\"]\n", "1 1 1 2 3 1 -1\n")
        #expect(uneven.findings.warnings.count == 1 && uneven.nodes.first?.x == 1)
        #expect(throws: SWCError(line: 2, reason: "the comments state different units: leave one")) {
            try Self.parse("# units: nm\n# units: um\n")
        }
    }

    @Test func limitsHoldInMicrometres() throws {
        #expect(throws: SWCError.self) { try Self.parse("") }
        #expect(try Self.parse("", units: .nm).nodes.first?.radius == 1.893)
        #expect(try Self.parse("", "1 1 900000 0 0 900 -1\n", units: .px).nodes.first?.x == 90000)
        let error = try #require(throws: SWCError.self) {
            try Self.parse("#\n", "1 1 1 2 3 1 -1\n2 3 2000000000 0 0 1 1\n", units: .nm)
        }
        #expect(error.line == 3 && error.reason.contains("2000000.0 um"))
        #expect(throws: SWCError.self) { try Self.parse("# units: 99999999999 mm\n", "1 1 1 2 3 1 -1\n") }
    }

    // MARK: OFFSET and SCALE

    @Test func theOffsetIsAdded() throws {
        for header in ["# OFFSET 10.0 5.0 2.0\n", "#OFFSET 10,5,2\n", "# Offset: 10 5 2\n# OFFSET 10 5 2\n"] {
            let skeleton = try Self.parse(header, "1 2 10 10 5 1 -1\n2 2 20 10 5 1 1\n")
            #expect(skeleton.nodes.map(\.x) == [20, 30] && skeleton.nodes.map(\.y) == [15, 15])
            #expect(skeleton.nodes.map(\.z) == [7, 7] && skeleton.nodes.map(\.radius) == [1, 1])
            #expect(skeleton.findings.offset == SIMD3(10, 5, 2) && skeleton.findings.warnings.isEmpty)
        }
        // In the units of the file.
        let scaled = try Self.parse("# OFFSET 1000 0 0\n# units: nm\n")
        #expect(scaled.nodes.first?.x == 9)
        #expect(try Self.parse("# OFFSET to come\n", "1 2 1 2 3 1 -1\n").findings.warnings.count == 1)
        #expect(throws: SWCError.self) { try Self.parse("# OFFSET 1 2 3\n# OFFSET 1 2 4\n") }
    }

    @Test func aScaleIsToldAndNotApplied() throws {
        let skeleton = try Self.parse("# SCALE 2 2 3.5\n", "1 2 1 2 3 1 -1\n")
        #expect(skeleton.nodes.first?.x == 1)
        #expect(skeleton.findings.warnings.count == 1 && skeleton.findings.warnings[0].contains("SCALE 2.0 2.0 3.5"))
        #expect(try Self.parse("# SCALE 1.0 1.0 1.0\n", "1 2 1 2 3 1 -1\n").findings.warnings.isEmpty)
    }

    // MARK: nodes in comments

    @Test(arguments: [
        "# header without a line end 1 1 20 20 10 4 -1\n", "# id type x y z r P1 1 20 20 10 4 -1\n",
        "#1 1 20 20 10 4 -1\n",
        "# a\n#\t7 3 1e1 2.5 -3 0.5 6  \n",
    ])
    func nodesInCommentsAreCounted(_ header: String) throws {
        let skeleton = try Self.parse(header, "2 3 30 20 10 0.5 1\n3 3 34 20 10 0.5 2\n4 3 34 22 10 0.5 99\n")
        #expect(skeleton.findings.nodesInComments == 1 && skeleton.findings.missingParents == 2)
        #expect(skeleton.findings.roots == 2 && skeleton.findings.nodes == 3)
        #expect(skeleton.findings.warnings.count == 2)
    }

    @Test(arguments: [
        "# SHRINKAGE_CORRECTION 1.0 1.0 1.0\n", "# 1 2 3 4 5 6\n", "# n T x y z R P\n", "# made 2024 1 2 3 4 5 6.5\n",
        "# on a b c d e f g\n", "",
    ])
    func otherCommentsHoldNoNode(_ header: String) throws {
        let findings = try Self.parse(header, "1 2 1 2 3 1 -1\n").findings
        #expect(findings.nodesInComments == 0 && findings.missingParents == 0 && findings.warnings.isEmpty)
    }

    @Test func aCommentOfAnyLengthIsRead() throws {
        let long = "# " + String(repeating: "x ", count: 100_000) + "1 1 20 20 10 4 -1\n"
        #expect(try Self.parse(long, "1 2 1 2 3 1 -1\n").findings.nodesInComments == 1)
    }
}
