/// A soma drawn as its outline: a closed line of soma nodes in one plane. Their radii are the width of the line, and
/// not the size of the body.
public struct SomaOutline: Sendable, Hashable {
    /// The nodes along the line, as indices of `Skeleton.nodes`. The last is joined to the first.
    public let nodes: [Int]
    /// The corners, um, one for each node.
    public let corners: [SIMD2<Double>]
    /// The plane of all corners, um.
    public let z: Double
    /// The least radius of the nodes, um: half the thickness of the filled area, before the radius floor.
    public let radius: Double
    /// The centroid of the area, um. `LabelVariant.nodes` has the peak of this soma there.
    public let centre: SIMD3<Double>
}

/// Finds the somata of several nodes that stand for one body.
///
/// *Three points* (NeuroMorpho.org, SomaFormat): exactly three connected soma nodes, a root and two children of it. All
/// have the root's x, z and radius r, and the children are at y - r and y + r. NEURON, NeuroM and MorphIO read it as
/// one body of radius r. It becomes one node, and the children of the two children become children of the root. Files
/// round these numbers, so a hundredth of r is tolerated.
///
/// *Outline*: four or more soma nodes in an unbranched chain. The ends of the chain are nearer to each other than half
/// its length. The radii are at most a tenth of that of a circle with the same area. The area is at least a tenth of
/// that of a circle of the same length, because a line that returns beside itself encloses nothing.
///
/// Any other soma of several nodes keeps its form: cones from node to node.
struct SomaForms {
    /// The nodes, with each soma of three points as one node.
    private(set) var nodes: [Skeleton.Node]
    /// The indices of the nodes, each parent before its children.
    private(set) var order: [Int]
    private(set) var outlines: [SomaOutline] = []
    /// Somata of three points that became one node.
    private(set) var threePointCount = 0

    /// See `SkeletonFindings.thinSomaNodes`.
    var thinNodeCount: Int {
        let outlined = Set(outlines.lazy.flatMap(\.nodes))
        let somata = nodes.indices.filter { index in nodes[index].type == 1 && !outlined.contains(index) }
        let isThin = somata.allSatisfy { index in nodes[index].radius < Self.thinnestSoma }
        return somata.count >= Self.outlineCorners && isThin ? somata.count : 0
    }

    /// um; real somata are some micrometres wide.
    private static let thinnestSoma = 0.1
    private static let threePointTolerance = 0.01
    private static let outlineCorners = 4
    private static let outlineThickness = 0.1
    private static let outlineRoundness = 0.1

    /// - Parameter order: the index of every node, each parent before its children.
    /// - Throws: `SWCError` for an outline that is not in one plane, which cannot be filled.
    init(_ given: [Skeleton.Node], order givenOrder: [Int], lineOf: (Int) -> Int) throws(SWCError) {
        nodes = given
        order = givenOrder
        var somata: [Int: [Int]] = [:]
        var heads: [Int: Int] = [:]
        for index in order where nodes[index].type == 1 {
            let head = heads[nodes[index].parent] ?? index
            heads[index] = head
            somata[head, default: []].append(index)
        }
        var removed = Set<Int>()
        var rings: [[Int]] = []
        for (_, members) in somata.sorted(by: { $0.key < $1.key }) {
            if isThreePoint(members) {
                removed.formUnion(members.dropFirst())
                threePointCount += 1
            } else if isRing(members) {
                let depths = members.map { index in nodes[index].z }
                guard let z = depths.first, depths.allSatisfy({ depth in depth == z }) else {
                    throw SWCError(
                        line: lineOf(members[0]),
                        reason: "the soma is an outline of \(members.count) nodes that do not lie in one plane (z = "
                            + "\(depths.min() ?? 0) to \(depths.max() ?? 0) um), which cannot be filled: give it one "
                            + "plane, or put one soma node in its place")
                }
                rings.append(members)
            }
        }
        let places = drop(removed)
        outlines = rings.map { members in outline(members.map { index in places[index] }) }
    }

    private func isThreePoint(_ members: [Int]) -> Bool {
        guard members.count == 3 else { return false }
        let root = nodes[members[0]]
        let sides = members.dropFirst().map { index in nodes[index] }
        let tolerance = Self.threePointTolerance * root.radius
        guard root.parent < 0, root.radius > 0 else { return false }
        for side in sides {
            guard side.parent == members[0], abs(side.x - root.x) <= tolerance, abs(side.z - root.z) <= tolerance,
                abs(side.radius - root.radius) <= tolerance, abs(abs(side.y - root.y) - root.radius) <= tolerance
            else { return false }
        }
        return (sides[0].y < root.y) != (sides[1].y < root.y)
    }

    private func isRing(_ members: [Int]) -> Bool {
        guard members.count >= Self.outlineCorners,
            zip(members.dropFirst(), members).allSatisfy({ index, before in nodes[index].parent == before })
        else { return false }
        let corners = members.map { index in SIMD3(nodes[index].x, nodes[index].y, nodes[index].z) }
        let length = zip(corners, corners.dropFirst()).reduce(0) { sum, pair in sum + Self.norm(pair.1 - pair.0) }
        let gap = Self.norm(corners[corners.count - 1] - corners[0])
        guard gap <= length / 2 else { return false }
        // Newell's method: the sum of the triangles' vector areas.
        var area = SIMD3<Double>()
        for (a, b) in zip(corners, corners.dropFirst()) { area += Self.cross(a - corners[0], b - corners[0]) / 2 }
        let thickest = members.reduce(0) { most, index in max(most, nodes[index].radius) }
        let radius = (Self.norm(area) / .pi).squareRoot()
        let longest = (length + gap) / (2 * .pi)
        return radius > 0 && radius * radius >= Self.outlineRoundness * longest * longest
            && thickest <= Self.outlineThickness * radius
    }

    private static func norm(_ v: SIMD3<Double>) -> Double { (v * v).sum().squareRoot() }

    private static func cross(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> SIMD3<Double> {
        SIMD3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
    }

    /// Removes soma nodes and gives their children to their parent. Returns the new index of each old node.
    private mutating func drop(_ removed: Set<Int>) -> [Int] {
        guard !removed.isEmpty else { return Array(nodes.indices) }
        var places = [Int](repeating: 0, count: nodes.count)
        var kept: [Skeleton.Node] = []
        for (index, node) in nodes.enumerated() where !removed.contains(index) {
            places[index] = kept.count
            kept.append(node)
        }
        for index in kept.indices where kept[index].parent >= 0 {
            let parent = kept[index].parent
            kept[index].parent = places[removed.contains(parent) ? nodes[parent].parent : parent]
        }
        order = order.compactMap { index in removed.contains(index) ? nil : places[index] }
        nodes = kept
        return places
    }

    private func outline(_ members: [Int]) -> SomaOutline {
        let corners = members.map { index in SIMD2(nodes[index].x, nodes[index].y) }
        let first = corners[0]
        var twiceArea = 0.0
        var moment = SIMD2<Double>()
        for (a, b) in zip(corners, corners.dropFirst()) {
            let (p, q) = (a - first, b - first)
            let cross = p.x * q.y - p.y * q.x
            twiceArea += cross
            moment += (p + q) * cross
        }
        let centre = first + moment / (3 * twiceArea)
        let z = nodes[members[0]].z
        return SomaOutline(
            nodes: members, corners: corners, z: z,
            radius: members.reduce(.infinity) { least, index in min(least, nodes[index].radius) },
            centre: SIMD3(centre.x, centre.y, z))
    }
}
