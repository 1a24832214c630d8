import Glibc
import Morphology
import Testing

/// Compares each variant with a brute-force evaluation of its definition.
@Suite struct VariantTests {
    static let grid = VoxelGrid(width: 44, height: 37, depth: 13, originX: 1, originY: 1)

    static func voxels(_ grid: VoxelGrid) -> [(x: Double, y: Double, z: Double)] {
        (0..<grid.depth).flatMap { k in
            (0..<grid.height).flatMap { j in
                (0..<grid.width).map { i in
                    (
                        (Double(i) + grid.originX) * grid.spacingX, (Double(j) + grid.originY) * grid.spacingY,
                        (Double(k) + grid.originZ) * grid.spacingZ
                    )
                }
            }
        }
    }

    // MARK: instance

    /// The node that begins the section of each node, found by going up.
    static func heads(_ nodes: [Skeleton.Node], _ oracle: Oracle) -> [Int] {
        nodes.indices.map { index in
            var at = index
            while nodes[at].parent >= 0 {
                let parent = nodes[at].parent
                guard oracle.compartment(parent) == oracle.compartment(at) else { break }
                if oracle.compartment(at) != 1 && nodes.count(where: { $0.parent == parent }) > 1 { break }
                at = parent
            }
            return at
        }
    }

    @Test(arguments: 600..<606)
    func instance(_ seed: Int) throws {
        let nodes = NeuronGenerator.awkward(seed, count: 16, in: Self.grid)
        let skeleton = try Skeleton(nodes: nodes)
        let oracle = Oracle(nodes, Self.grid)
        let heads = Self.heads(nodes, oracle)
        let order = Set(heads).sorted { (oracle.compartment($0), $0) < (oracle.compartment($1), $1) }
        let ids = heads.map { head in (order.firstIndex(of: head) ?? 0) + 1 }

        let sections = try Sections(skeleton)
        #expect(sections.ids.map(Int.init) == ids)
        #expect(sections.all.map(\.id) == order.indices.map { UInt16($0 + 1) })
        for (section, head) in zip(sections.all, order) {
            let members = nodes.indices.filter { heads[$0] == head }
            #expect(section.nodeCount == members.count)
            #expect(Int(section.compartment.rawValue) == oracle.compartment(head))
            let parent = nodes[head].parent
            #expect(Int(section.parent) == (parent < 0 ? 0 : ids[parent]))
            let length = members.reduce(0.0) { sum, member in
                guard nodes[member].parent >= 0 else { return sum }
                let (a, b) = (nodes[member], nodes[nodes[member].parent])
                return sum + sqrt(pow(a.x - b.x, 2) + pow(a.y - b.y, 2) + pow(a.z - b.z, 2))
            }
            #expect(abs(section.length - length) < 1e-9)
        }

        let pieces = oracle.pieces.map { piece in
            var piece = piece
            piece.value = ids[piece.node]
            return piece
        }
        let expected = oracle.volume(
            x: 0..<Self.grid.width, y: 0..<Self.grid.height, z: 0..<Self.grid.depth, pieces: pieces)
        let drawn = try LabelVariant.instance.source(of: skeleton, in: Self.grid).allVoxels
        #expect(drawn == expected)
        let classes = try LabelVariant.classes.source(of: skeleton, in: Self.grid).allVoxels
        #expect(drawn.map { $0 == 0 ? 0 : Int(sections.all[$0 - 1].compartment.rawValue) } == classes)
    }

    @Test func moreSectionsThanIdsAreRefused() throws {
        let roots = (0..<65536).map { index in
            Skeleton.Node(
                id: index, type: 2, x: Double(index % 256), y: Double(index / 256), z: 0, radius: 1, parent: -1)
        }
        #expect(throws: LabelError.tooManySections(65536)) { try Sections(Skeleton(nodes: roots)) }
        #expect(try Sections(Skeleton(nodes: Array(roots.dropLast()))).all.count == 65535)
    }

    // MARK: centre lines

    /// The nearest integer to d k / n, with halves rounded up. It is found by comparing and not by dividing.
    static func rounded(_ d: Int, _ k: Int, _ n: Int) -> Int {
        var q = -abs(d) - 1
        while 2 * d * k >= 2 * q * n + n { q += 1 }
        return q
    }

    @Test(arguments: 620..<628)
    func centreLine(_ seed: Int) throws {
        let grid = seed % 2 == 0 ? Self.grid : Self.grid.level(1)
        let nodes = NeuronGenerator.awkward(seed, count: 16, in: grid)
        let oracle = Oracle(nodes, grid)
        var expected = [Int](repeating: 0, count: grid.planeVoxels * grid.depth)
        func voxel(_ node: Skeleton.Node) -> [Int] {
            [
                Int(floor(node.x / grid.spacingX - grid.originX + 0.5)),
                Int(floor(node.y / grid.spacingY - grid.originY + 0.5)),
                Int(floor(node.z / grid.spacingZ - grid.originZ + 0.5)),
            ]
        }
        for (index, node) in nodes.enumerated() {
            let to = voxel(node)
            let from = node.parent >= 0 ? voxel(nodes[node.parent]) : to
            let steps = (0..<3).map { abs(to[$0] - from[$0]) }.max() ?? 0
            for step in 0...steps {
                let at = (0..<3).map { axis in
                    steps == 0 ? from[axis] : from[axis] + Self.rounded(to[axis] - from[axis], step, steps)
                }
                guard (0..<grid.width).contains(at[0]), (0..<grid.height).contains(at[1]),
                    (0..<grid.depth).contains(at[2])
                else { continue }
                let place = (at[2] * grid.height + at[1]) * grid.width + at[0]
                let value = oracle.compartment(index)
                expected[place] = expected[place] == 0 ? value : min(expected[place], value)
            }
        }
        #expect(try LabelVariant.centerline.source(of: Skeleton(nodes: nodes), in: grid).allVoxels == expected)
    }

    // MARK: ignore

    @Test(arguments: [(640, UInt8(255)), (641, 5), (642, 5)])
    func ignoreMask(_ seed: Int, value: UInt8) throws {
        var options = LabelOptions()
        options.ignoreRadius = 0.9
        options.ignoreValue = value
        let nodes = NeuronGenerator.awkward(seed, count: 14, in: Self.grid)
        // Type 30 and a marker without a type ignore nothing. Nodes on voxel centres make ties with the ball.
        let markers = [10, 20, 30, nil, 10].enumerated().map { number, type in
            Marker(x: nodes[number].x, y: nodes[number].y, z: nodes[number].z, type: type)
        }
        let classes = Oracle(nodes, Self.grid).volume
        let expected = zip(Self.voxels(Self.grid), classes).map { voxel, old in
            let isIgnored = markers.contains { marker in
                (marker.type == 10 || marker.type == 20)
                    && sqrt(pow(voxel.x - marker.x, 2) + pow(voxel.y - marker.y, 2) + pow(voxel.z - marker.z, 2))
                        <= 0.9 + 1e-6
            }
            return isIgnored || old == 255 ? Int(value) : old
        }
        let skeleton = try Skeleton(nodes: nodes)
        let source = try LabelVariant.ignore.source(of: skeleton, markers: markers, in: Self.grid, options: options)
        #expect(source.allVoxels == expected)
        #expect(expected.contains(Int(value)))
    }

    // MARK: distance

    @Test(arguments: [(660, 0.4), (661, 0.8), (662, 2.0)])
    func signedDistance(_ seed: Int, clip: Double) throws {
        var options = LabelOptions()
        options.clip = clip
        let nodes = NeuronGenerator.awkward(seed, count: 9, in: Self.grid)
        let oracle = Oracle(nodes, Self.grid)
        // The least depth over the pieces, in units of 1e-12 um above -1000 um; 0 when no piece is in reach.
        let depths = oracle.volume(
            x: 0..<Self.grid.width, y: 0..<Self.grid.height, z: 0..<Self.grid.depth,
            merge: { _, depth, old in
                let new = Int(((depth + 1000) * 1e12).rounded())
                return old == 0 ? new : min(old, new)
            }, reach: clip + 0.01)
        func code(_ d: Double) -> Int {
            if d <= 1e-6 { return 128 + Int(floor(127 * min(max(0, -d) / clip, 1))) }
            return 127 - Int(floor(127 * min(d / clip, 1)))
        }
        let skeleton = try Skeleton(nodes: nodes)
        let drawn = try LabelVariant.distance.source(of: skeleton, in: Self.grid, options: options).allVoxels
        for (depth, value) in zip(depths, drawn) {
            let d = depth == 0 ? clip : Double(depth) / 1e12 - 1000
            // Where a step lies within the rounding of d, both its sides are right.
            #expect(value == code(d) || value == code(d - 1e-9) || value == code(d + 1e-9), "\(d)")
        }
        let binary = try LabelVariant.binary.source(of: skeleton, in: Self.grid).allVoxels
        #expect(drawn.map { $0 >= 128 ? 1 : 0 } == binary)
        #expect(Set(drawn).count > 50)
    }

    // MARK: nodes

    @Test(
        arguments: [(680, NodeKinds.all), (681, .tips), (682, .branchPoints), (683, .soma), (684, [.soma, .tips])]
            as [(Int, NodeKinds)])
    func peaks(_ seed: Int, kinds: NodeKinds) throws {
        var options = LabelOptions()
        options.nodeKinds = kinds
        options.sigma = seed == 684 ? 0.05 : 0.3
        let nodes = NeuronGenerator.awkward(seed, count: 12, in: Self.grid)
        // A sigma below the floor is raised to half the voxel diagonal.
        let sigma = seed == 684 ? 0.5 * sqrt(2 * 0.1144 * 0.1144 + 0.28 * 0.28) : 0.3
        let marked = nodes.indices.filter { index in
            let children = nodes.count { $0.parent == index }
            if nodes[index].type == 1 { return kinds.contains(.soma) }
            return (children == 0 && kinds.contains(.tips)) || (children > 1 && kinds.contains(.branchPoints))
        }
        let source = try LabelVariant.nodes.source(of: Skeleton(nodes: nodes), in: Self.grid, options: options)
        for (voxel, value) in zip(Self.voxels(Self.grid), source.allVoxels) {
            let best = marked.reduce(0.0) { best, index in
                let node = nodes[index]
                let d2 = pow(voxel.x - node.x, 2) + pow(voxel.y - node.y, 2) + pow(voxel.z - node.z, 2)
                return max(best, 255 * pow(2, -d2 / (2 * sigma * sigma) / M_LN2))
            }
            #expect(value == Int(floor(best + 0.5 - 1e-7)) || value == Int(floor(best + 0.5 + 1e-7)))
        }
    }

    // MARK: options

    @Test func unusableOptionsAreRefused() throws {
        let skeleton = try Skeleton(nodes: NeuronGenerator.awkward(1, count: 9, in: Self.grid))
        func refuses(_ variant: LabelVariant, _ change: (inout LabelOptions) -> Void) {
            var options = LabelOptions()
            change(&options)
            #expect(throws: LabelError.self) { try variant.source(of: skeleton, in: Self.grid, options: options) }
        }
        for clip in [0, -1, .nan, .infinity] { refuses(.distance) { $0.clip = clip } }
        for sigma in [0, -1, .nan, .infinity] { refuses(.nodes) { $0.sigma = sigma } }
        for radius in [-1, .nan, .infinity] { refuses(.ignore) { $0.ignoreRadius = radius } }
        refuses(.ignore) { $0.ignoreValue = 0 }
        for variant in LabelVariant.allCases { refuses(variant) { $0.maximumRuns = 3 } }
        for grid in [
            VoxelGrid(width: 0, height: 3, depth: 3), VoxelGrid(width: 3, height: 65537, depth: 3),
            VoxelGrid(width: 3, height: 3, depth: -1), VoxelGrid(width: 3, height: 3, depth: 3, spacingX: 0),
            VoxelGrid(width: 3, height: 3, depth: 3, spacingZ: .nan),
            VoxelGrid(width: 3, height: 3, depth: 3, originY: .infinity),
        ] {
            for variant in LabelVariant.allCases {
                #expect(throws: LabelError.self) { try variant.source(of: skeleton, in: grid) }
            }
        }
    }
}
