import Morphology
import Testing

@Suite struct SWCParserTests {
    static func parse(_ text: String, limits: SWCLimits = SWCLimits()) throws -> Skeleton {
        try Skeleton.parse(Array(text.utf8), limits: limits)
    }

    /// One soma and two neurite nodes, which every tolerated spelling must give.
    static let plain = [
        Skeleton.Node(id: 1, type: 1, x: 10.5, y: 20, z: 3.25, radius: 5, parent: -1),
        Skeleton.Node(id: 2, type: 3, x: 16, y: 20.25, z: 3, radius: 0.1144, parent: 0),
        Skeleton.Node(id: 3, type: 2, x: 18, y: -0.5, z: 0, radius: 0, parent: 1),
    ]

    @Test(arguments: [
        "1 1 10.5 20 3.25 5 -1\n2 3 16 20.25 3 0.1144 1\n3 2 18 -0.5 0 0 2\n",
        "1 1 10.5 20 3.25 5 -1\n2 3 16 20.25 3 0.1144 1\n3 2 18 -0.5 0 0 2",
        "1 1 10.5 20 3.25 5 -1\r\n2 3 16 20.25 3 0.1144 1\r\n3 2 18 -0.5 0 0 2\r\n",
        "1 1 10.5 20 3.25 5 -1\r2 3 16 20.25 3 0.1144 1\r3 2 18 -0.5 0 0 2\r",
        "\u{FEFF}# by hand\n1 1 10.5 20 3.25 5 -1\n  # inside\n\n2 3 16 20.25 3 0.1144 1\n3 2 18 -0.5 0 0 2 # end\n#",
        "  1\t1 \t10.50 +20. 325e-2 5.0 -1  \n\t2 3 16 20.25 3 .1144 1\t\n3 2 18 -.5 -0 0 2 9 9 x\n   \n",
        "1.0 1.0 10.5 20 3.25 5 -1.0\n2.0 3.0 16 20.25 3 0.1144000000000000000000 1.0\n3 2 1.8e1 -0.5 0.0 0 2.00",
        "#n,type,x,y,z,radius,parent\n1 1 10.5 20 3.25 5 77\n2 3 16 20.25 3 0.1144 1\n3 2 18 -0.5 0 0 2\n",
    ])
    func toleratedSpellings(_ text: String) throws {
        #expect(try Self.parse(text).nodes == Self.plain)
    }

    @Test func idsFromZeroInAnyOrder() throws {
        let skeleton = try Self.parse("5 3 1 1 1 1 0\n0 1 0 0 0 4 -1\n9000000000 3 2 2 2 1 5\n")
        #expect(skeleton.nodes.map(\.parent) == [1, -1, 0])
        #expect(skeleton.roots == [1])
        #expect(skeleton.childCounts == [1, 1, 0])
        #expect([skeleton.bounds.x, skeleton.bounds.y, skeleton.bounds.z] == [0...2, 0...2, 0...2])
    }

    @Test func compartmentsFollowTheNearestNeuriteAlongTheNeurite() throws {
        let skeleton = try Self.parse(
            """
            7 6 0 0 0 1 6
            1 1 0 0 0 4 -1
            2 3 1 0 0 1 1
            3 5 2 0 0 1 2
            4 4 3 0 0 1 3
            5 0 4 0 0 1 4
            6 5 5 0 0 1 5
            8 5 0 0 0 1 -1
            9 99 0 0 0 1 8
            10 -3 0 0 0 1 2
            11 5 0 0 0 1 1
            """)
        #expect(
            skeleton.compartments == [
                .unknown, .soma, .basal, .basal, .apical, .unknown, .unknown, .unknown, .unknown, .unknown, .unknown,
            ])
        #expect(skeleton.findings.inferredClasses == 1)
        #expect(skeleton.findings.unknownClasses == 7)
    }

    /// Types and parents, and the resulting classes. Node i has id i.
    @Test(arguments: [
        ("below where nothing is above", [1, 5, 3], [-1, 0, 1], [1, 3, 3]),
        ("above before below", [1, 2, 5, 3], [-1, 0, 1, 2], [1, 2, 2, 3]),
        ("the soma is passed on neither up nor down", [3, 1, 6, 6], [-1, 0, 1, 2], [3, 1, 255, 255]),
        ("nor is anything across it", [5, 1, 4], [-1, 0, 1], [255, 1, 4]),
        ("nor across a node of unknown class", [3, 0, 5, 7, 2], [-1, 0, 1, 2, 3], [3, 255, 255, 255, 2]),
        ("the nearest below", [5, 6, 2, 4], [-1, 0, 1, 0], [4, 2, 2, 4]),
        ("of several as near the lowest code", [6, 4, 2, 3], [-1, 0, 0, 0], [2, 4, 2, 3]),
        ("a class that was inferred is passed on no further", [1, 5, 3, 6], [-1, 0, 1, 1], [1, 3, 3, 255]),
    ])
    func classesOfForksAndEnds(_ comment: String, types: [Int], parents: [Int], classes: [Int]) throws {
        let nodes = types.indices.map { index in
            Skeleton.Node(
                id: index, type: types[index], x: Double(index), y: 0, z: 0, radius: 1, parent: parents[index])
        }
        #expect(try Skeleton(nodes: nodes).compartments.map { Int($0.rawValue) } == classes, "\(comment)")
        let oracle = Oracle(nodes, VoxelGrid(width: 1, height: 1, depth: 1))
        #expect(nodes.indices.map(oracle.compartment) == classes, "\(comment)")
    }

    @Test(arguments: 0..<40)
    func classesDoNotDependOnTheOrderOfNodes(_ seed: Int) throws {
        var random = SplitMix(seed)
        let nodes = (0..<40).map { index in
            Skeleton.Node(
                id: index, type: [1, 5, 6, 5, 6, 2, 3, 4, 0][random.below(9)], x: Double(index), y: 0, z: 0, radius: 1,
                parent: random.below(index + 1) - 1)
        }
        func classes(_ nodes: [Skeleton.Node]) throws -> [Int: Int] {
            let found = try Skeleton(nodes: nodes).compartments.map { Int($0.rawValue) }
            let oracle = Oracle(nodes, VoxelGrid(width: 1, height: 1, depth: 1))
            #expect(found == nodes.indices.map(oracle.compartment))
            return Dictionary(uniqueKeysWithValues: zip(nodes.map(\.id), found))
        }
        #expect(try classes(nodes) == classes(NeuronGenerator.shuffled(nodes, &random)))
    }

    @Test func idsAreExactUpToTheLargest() throws {
        let skeleton = try Self.parse(
            "720575940661139073 1 20 20 10 4 -1\n720575940661139074 3 30 20 10 1 720575940661139073\n"
                + "9223372036854775807.0 3 31 20 10 1 720575940661139074\n")
        #expect(skeleton.nodes.map(\.id) == [720_575_940_661_139_073, 720_575_940_661_139_074, Int.max])
        #expect(skeleton.nodes.map(\.parent) == [-1, 0, 1])
    }

    /// For each refused text: the line, and a part of the reason.
    @Test(arguments: [
        ("1 1 0 0 0 1\n", 1, "no parent"),
        ("# c\n1\n", 2, "no type"),
        ("1 1 0 0 0 1 -1\n\n2 3 nan 0 0 1 1", 3, "x is not a finite number"),
        ("1 1 0 inf 0 1 -1", 1, "y is not a finite number"),
        ("1 1 0 0 1e999 1 -1", 1, "z is not a finite number"),
        ("1 1 0 0 0x10 1 -1", 1, "z is not a finite number: \"0x10\""),
        ("1 1 0 0 1e 1 -1", 1, "z is not a finite number"),
        ("1 1 0 0 - 1 -1", 1, "z is not a finite number"),
        ("1 1 1.2.3 0 0 1 -1", 1, "x is not a finite number"),
        ("1 1 1,5 0 0 1 -1", 1, "x is not a finite number"),
        ("1 1 0 0 0 -0.5 -1", 1, "radius is negative"),
        ("1 1 0 0 0 1001 -1", 1, "radius is 1001"),
        ("9223372036854775808 1 0 0 0 1 -1", 1, "id is beyond the 64-bit whole numbers: \"9223372036854775808\""),
        ("1 1 0 0 0 1 -9223372036854775809", 1, "parent is beyond the 64-bit whole numbers"),
        ("1 1 0 0 0 1 1e300", 1, "parent is beyond the 64-bit whole numbers"),
        ("1 1 0 0 0 1 -1\r\n2 3 0 0 0 1 2", 2, "its own parent"),
        ("1 1 0 0 0 1 3\n2 3 0 0 0 1 1\n3 3 0 0 0 1 2", 1, "its own ancestor"),
        ("1 1 0 0 0 1 -1\n2 3 0 0 0 1 1\n#\n2 3 0 0 0 1 1", 4, "id 2 appears twice"),
        ("9000000000 1 0 0 0 1 -1\n9000000000 3 0 0 0 1 1", 2, "appears twice"),
        ("-1 1 0 0 0 1 -1", 1, "id is negative"),
        ("1.5 1 0 0 0 1 -1", 1, "id is not a whole number"),
        ("1e300 1 0 0 0 1 -1", 1, "id is beyond the 64-bit whole numbers"),
        ("1 1.25 0 0 0 1 -1", 1, "type is not a whole number"),
        ("1 1 0 0 0 1 0.5", 1, "parent is not a whole number"),
        ("1 1 1000001 0 0 1 -1", 1, "x is 1000001.0 um, more than"),
        ("1 1 0 -2e7 0 1 -1", 1, "y is"),
        ("1 1 0 0 0 1 -1\n2 3 0\0 0 0 1 1", 2, "NUL"),
        ("\u{89}PNG\r\n\u{1A}\n", 1, "id is not a finite number"),
        ("<html>404</html>", 1, "id is not a finite number"),
        ("", 0, "no node"),
        ("# only\n\n  \n#comments", 0, "no node"),
        ("\u{FEFF}", 0, "no node"),
    ])
    func refusals(_ text: String, line: Int, reason: String) {
        do {
            let skeleton = try Self.parse(text)
            Issue.record("accepted \(skeleton.nodes)")
        } catch let error as SWCError {
            #expect(error.line == line)
            #expect(error.reason.contains(reason), "\(error)")
        } catch {
            Issue.record(error)
        }
    }

    @Test func twoMillionNodesAreRefusedBeforeAnyIsRead() {
        // The first line is no node. If lines were read before they are counted, that would be the reason.
        let line = Array("x 3 0 0 0 1 -1\n".utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(line.count * 2_000_000)
        for _ in 0..<2_000_000 { bytes.append(contentsOf: line) }
        #expect(throws: SWCError(line: 0, reason: "the file holds more than 1000000 nodes")) {
            try Skeleton.parse(bytes)
        }
    }

    @Test func theNodeLimitIsExact() throws {
        var limits = SWCLimits()
        limits.maximumNodes = 3
        let three = "#\n1 1 0 0 0 1 -1\n2 3 0 0 0 1 1\n#\n3 3 0 0 0 1 1\n"
        #expect(try Self.parse(three, limits: limits).nodes.count == 3)
        #expect(throws: SWCError.self) { try Self.parse(three + "4 3 0 0 0 1 1", limits: limits) }
        let oldMac = (three + "4 3 0 0 0 1 1").split(separator: "\n").joined(separator: "\r")
        #expect(throws: SWCError.self) { try Self.parse(oldMac, limits: limits) }
    }

    @Test func numbersAreCorrectlyRounded() throws {
        var random = SplitMix(7)
        for _ in 0..<2000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite, abs(value) < 1e5 else { continue }
            for text in ["\(value)", "\(value)0000000000"] where !(text.contains("e") && text.hasSuffix("0000")) {
                let x = try #require(try Self.parse("1 1 \(text) 0 0 1 -1").nodes.first).x
                #expect(x.bitPattern == value.bitPattern, "\(text)")
            }
        }
        for _ in 0..<2000 {
            let text = "\(random.below(100000)).\(random.below(1_000_000_000))"
            let x = try #require(try Self.parse("1 1 \(text) 0 0 1 -1").nodes.first).x
            #expect(x == Double(text))
        }
    }

    /// No bytes can make the parser trap: truncated, damaged and duplicated pieces of a valid file.
    @Test func damagedFilesNeverTrap() {
        let valid = Array(
            "# c\r\n1 1 10.5 20 3.25 5 -1\r\n2 3 16 20.25 3 1e-1 1\n3 2 18 -0.5 0 0 2\n".utf8)
        var random = SplitMix(11)
        var accepted = 0
        for _ in 0..<3000 {
            var bytes = valid
            for _ in 0...random.below(4) {
                switch random.below(4) {
                case 0: bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: random.below(bytes.count))
                case 2: bytes.removeSubrange(random.below(bytes.count)...)
                default: bytes.append(contentsOf: valid.prefix(random.below(valid.count)))
                }
                if bytes.isEmpty { bytes = valid }
            }
            do {
                let skeleton = try Skeleton.parse(bytes)
                accepted += 1
                #expect(skeleton.nodes.allSatisfy { $0.parent < skeleton.nodes.count })
            } catch {
                #expect(!error.reason.isEmpty)
            }
        }
        #expect(accepted > 0)
    }

    @Test func pixelsAreScaled() throws {
        let skeleton = try Skeleton.parse(
            Array("1 1 100 200 10 5 -1\n".utf8), units: .px, voxel: SIMD3(0.1144, 0.1144, 0.28))
        let node = try #require(skeleton.nodes.first)
        #expect(abs(node.x - 11.44) < 1e-12 && abs(node.y - 22.88) < 1e-12)
        #expect(abs(node.z - 2.8) < 1e-12 && abs(node.radius - 0.572) < 1e-12)
    }

    @Test func nodesGivenDirectlyAreChecked() throws {
        let node = Skeleton.Node(id: 1, type: 1, x: 0, y: 0, z: 0, radius: 1, parent: -1)
        var bad = node
        bad.id = 2
        for change in 0..<5 {
            var other = bad
            switch change {
            case 0: other.parent = 2
            case 1: other.parent = 1
            case 2: other.x = .nan
            case 3: other.radius = -1
            default: other.id = 1
            }
            #expect(throws: SWCError.self) { try Skeleton(nodes: [node, other]) }
        }
        #expect(throws: SWCError.self) { try Skeleton(nodes: []) }
        bad.parent = 0
        #expect(try Skeleton(nodes: [node, bad]).childCounts == [1, 0])
    }
}

@Suite struct MarkerTests {
    @Test func rowsOfEveryKind() throws {
        let text = """
            ##x,y,z,radius,shape,name,comment, color_r,color_g,color_b\r
            340.5825,518.9333,16.0896,0.0, 1, 10, , 97,211,104\r

            # a remark
            951.6353,975.4362,12.04,0.0, 1, , , 25,211,139
            1,2,3,0,1,20
            4 , 5 , 6 , 0 , 1 , 30 , note , 0,0,0
            7,8,9
            """
        let markers = try Marker.parse(Array(text.utf8))
        #expect(markers.map(\.type) == [10, nil, 20, 30, nil])
        #expect(markers.map(\.kind) == [.cutDendrite, nil, .noReconstruction, .sliceSurface, nil])
        let first = try #require(markers.first)
        #expect(abs(first.x - 340.4681) < 1e-9 && abs(first.y - 518.8189) < 1e-9 && abs(first.z - 15.8096) < 1e-9)
        #expect(try Marker.parse([]).isEmpty)
    }

    @Test func aMarkerIsInTheUnitsOfTheSkeletonAndOneVoxelOfTheGridAway() throws {
        let markers = try Marker.parse(
            Array("10,20,30,0,1,10".utf8), scale: SIMD3(0.125, 0.25, 0.5), voxel: SIMD3(0.125, 0.25, 0.5))
        #expect(markers == [Marker(x: 1.125, y: 4.75, z: 14.5, type: 10)])
    }

    @Test(arguments: [("#\n1,2\n", 2), ("1,x,3,0,1,10", 1), ("1,,3,0,1,10", 1), ("1,2,1e9,0,1,10", 1), ("1,2,\0", 1)])
    func refusals(_ text: String, line: Int) {
        do {
            let markers = try Marker.parse(Array(text.utf8))
            Issue.record("accepted \(markers)")
        } catch {
            #expect(error.line == line)
        }
    }
}
