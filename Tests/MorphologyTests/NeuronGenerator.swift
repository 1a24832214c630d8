import Morphology

/// SplitMix64 (Steele, Lea, Flood 2014): the same sequence for the same seed on every platform.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    init(_ seed: Int) { state = UInt64(truncatingIfNeeded: seed) }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
    mutating func chance(_ probability: Double) -> Bool { unit() < probability }
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

/// Small neurons with every difficult feature.
enum NeuronGenerator {
    /// A forest of about `count` nodes in and a little around `grid`. It has several roots, all types, zero and huge
    /// radii, coincident nodes and parents after their children. Nodes on voxel centres with whole-pixel radii give
    /// exact ties.
    static func awkward(_ seed: Int, count: Int, in grid: VoxelGrid) -> [Skeleton.Node] {
        var random = SplitMix(seed)
        var nodes: [Skeleton.Node] = []
        let size = (
            Double(grid.width) * grid.spacingX, Double(grid.height) * grid.spacingY, Double(grid.depth) * grid.spacingZ
        )
        for index in 0..<count {
            var node = Skeleton.Node(
                id: index, type: [1, 2, 3, 4, 2, 3, 0, 5, 6, 7][random.below(10)], x: 0, y: 0, z: 0, radius: 0,
                parent: index == 0 || random.chance(0.12) ? -1 : random.below(index))
            node.x = grid.originX * grid.spacingX + (random.unit() * 1.2 - 0.1) * size.0
            node.y = grid.originY * grid.spacingY + (random.unit() * 1.2 - 0.1) * size.1
            node.z = grid.originZ * grid.spacingZ + (random.unit() * 1.2 - 0.1) * size.2
            if node.parent >= 0 && random.chance(0.5) {
                // A short step, as in traced neurites.
                node.x = nodes[node.parent].x + (random.unit() - 0.5) * 10 * grid.spacingX
                node.y = nodes[node.parent].y + (random.unit() - 0.5) * 10 * grid.spacingY
                node.z = nodes[node.parent].z + (random.unit() - 0.5) * 4 * grid.spacingZ
            }
            node.radius = random.unit() * 4 * grid.spacingX
            if random.chance(0.15) { node.radius = 0 }
            if random.chance(0.1) { node.radius = random.unit() * 12 * grid.spacingX }
            if random.chance(0.4) {
                node.x = (node.x / grid.spacingX).rounded() * grid.spacingX
                node.y = (node.y / grid.spacingY).rounded() * grid.spacingY
                node.z = (node.z / grid.spacingZ).rounded() * grid.spacingZ
                node.radius = Double(random.below(6)) * grid.spacingX
            }
            if node.parent >= 0 && random.chance(0.08) {
                (node.x, node.y, node.z) = (nodes[node.parent].x, nodes[node.parent].y, nodes[node.parent].z)
            }
            nodes.append(node)
        }
        return shuffled(nodes, &random)
    }

    /// The same forest in another order, so that parents may follow their children.
    static func shuffled(_ nodes: [Skeleton.Node], _ random: inout SplitMix) -> [Skeleton.Node] {
        let order = nodes.indices.shuffled(using: &random)
        var place = [Int](repeating: 0, count: nodes.count)
        for (new, old) in order.enumerated() { place[old] = new }
        return order.map { old in
            var node = nodes[old]
            if node.parent >= 0 { node.parent = place[node.parent] }
            return node
        }
    }

    /// The forest without node `index`, whose children become roots.
    static func dropping(_ index: Int, from nodes: [Skeleton.Node]) -> [Skeleton.Node] {
        var rest = nodes
        rest.remove(at: index)
        for at in rest.indices {
            if rest[at].parent == index {
                rest[at].parent = -1
            } else if rest[at].parent > index {
                rest[at].parent -= 1
            }
        }
        return rest
    }

    /// The smallest forest, found by dropping nodes, for which `fails` still holds.
    static func shrunk(_ nodes: [Skeleton.Node], while fails: ([Skeleton.Node]) -> Bool) -> [Skeleton.Node] {
        var smallest = nodes
        var index = 0
        while index < smallest.count && smallest.count > 1 {
            let candidate = dropping(index, from: smallest)
            if fails(candidate) { smallest = candidate } else { index += 1 }
        }
        return smallest
    }
}
