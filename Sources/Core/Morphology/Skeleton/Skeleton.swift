/// A traced neuron: a forest of nodes, each with a radius and a parent.
///
/// Coordinates are micrometres; for a cell of a database, in the full frame of its image. Nodes keep the order
/// of the file, in which a parent may follow its child.
public struct Skeleton: Sendable {
    /// One sample of the tracing.
    public struct Node: Sendable, Hashable {
        /// The id in the file: 0 or more, unique.
        public var id: Int
        /// The type in the file; `Skeleton.compartments` has its meaning.
        public var type: Int
        /// Micrometres.
        public var x: Double
        /// Micrometres.
        public var y: Double
        /// Micrometres.
        public var z: Double
        /// Micrometres, 0 or more.
        public var radius: Double
        /// Index of the parent in `Skeleton.nodes`; -1 for a root.
        public var parent: Int

        /// A node with the given columns.
        public init(id: Int, type: Int, x: Double, y: Double, z: Double, radius: Double, parent: Int) {
            self.id = id
            self.type = type
            self.x = x
            self.y = y
            self.z = z
            self.radius = radius
            self.parent = parent
        }
    }

    /// The smallest box that holds all nodes, radii not counted, um.
    public struct Bounds: Sendable, Hashable {
        /// From the least x to the greatest.
        public var x: ClosedRange<Double>
        /// From the least y to the greatest.
        public var y: ClosedRange<Double>
        /// From the least z to the greatest.
        public var z: ClosedRange<Double>
    }

    /// The nodes in the order of the file, at least one. A soma of three points is one of them (`SomaForms`).
    public let nodes: [Node]

    /// The compartment of each node: that of its type. Types 5 and 6 take that of their neighbours along the neurite
    /// (`CompartmentRule`).
    public let compartments: [Compartment]

    /// The number of children of each node.
    public let childCounts: [Int]

    /// The somata that are drawn as outlines, whose area is filled.
    public let outlines: [SomaOutline]

    /// The box around the nodes.
    public let bounds: Bounds

    /// What was found in the file, and how the file was read.
    public let findings: SkeletonFindings

    /// Checks the nodes and derives the rest.
    /// - Throws: `SWCError` with the node's position from 1, for the faults that `parse` refuses as well. These are: no
    ///   node or too many; a duplicate id; a value that is not finite or out of bounds; a parent that is the node
    ///   itself or below it.
    public init(nodes: [Node], limits: SWCLimits = SWCLimits()) throws(SWCError) {
        guard nodes.count <= limits.maximumNodes else { throw SWCError.tooManyNodes(limits) }
        var seen = Set<Int>(minimumCapacity: nodes.count)
        for (index, node) in nodes.enumerated() {
            if let reason = Self.fault(of: node, limits: limits) { throw SWCError(line: index + 1, reason: reason) }
            guard seen.insert(node.id).inserted else { throw SWCError(line: index + 1, reason: "id \(node.id) twice") }
            guard (-1..<nodes.count).contains(node.parent) else {
                throw SWCError(line: index + 1, reason: "no node at parent index \(node.parent)")
            }
        }
        try self.init(checked: nodes, findings: SkeletonFindings()) { index in index + 1 }
    }

    /// Derives the rest from nodes whose values are already checked. Refuses cycles, and outlines that cannot be
    /// filled.
    /// - Parameter findings: the findings of the file's reader; this initialiser adds the rest.
    init(
        checked given: [Node], findings: SkeletonFindings, lineOf: (Int) -> Int
    ) throws(SWCError) {
        let order = try Self.parentsFirst(given, lineOf: lineOf)
        let somata = try SomaForms(given, order: order, lineOf: lineOf)
        let nodes = somata.nodes
        guard let first = nodes.first else { throw SWCError(line: 0, reason: "the file holds no node") }
        var childCounts = [Int](repeating: 0, count: nodes.count)
        var x = first.x...first.x
        var y = first.y...first.y
        var z = first.z...first.z
        for node in nodes {
            if node.parent >= 0 { childCounts[node.parent] += 1 }
            x = min(x.lowerBound, node.x)...max(x.upperBound, node.x)
            y = min(y.lowerBound, node.y)...max(y.upperBound, node.y)
            z = min(z.lowerBound, node.z)...max(z.upperBound, node.z)
        }
        let rule = CompartmentRule(nodes, order: somata.order)
        var findings = findings
        findings.nodes = given.count
        findings.roots = nodes.count { node in node.parent < 0 }
        findings.threePointSomata = somata.threePointCount
        findings.thinSomaNodes = somata.thinNodeCount
        findings.outlinedSomata = somata.outlines.count
        findings.outlineNodes = somata.outlines.reduce(0) { sum, outline in sum + outline.nodes.count }
        findings.inferredClasses = rule.inferredCount
        findings.unknownClasses = rule.compartments.count { compartment in compartment == .unknown }
        self.compartments = rule.compartments
        self.nodes = nodes
        self.childCounts = childCounts
        self.outlines = somata.outlines
        self.bounds = Bounds(x: x, y: y, z: z)
        self.findings = findings
    }

    /// Indices of the nodes without a parent: the soma and, in one file of six, the roots of disconnected pieces.
    public var roots: [Int] { nodes.indices.filter { index in nodes[index].parent < 0 } }

    /// The reason why a node is unusable by itself; `nil` for a usable node.
    static func fault(of node: Node, limits: SWCLimits) -> String? {
        for (name, value) in [("x", node.x), ("y", node.y), ("z", node.z)] {
            guard value.isFinite else { return "\(name) is not a finite number" }
            guard abs(value) <= limits.maximumCoordinate else {
                return "\(name) is \(value) um, more than \(limits.maximumCoordinate) um from the origin"
            }
        }
        guard node.radius.isFinite else { return "the radius is not a finite number" }
        guard node.radius >= 0 else { return "the radius is negative (\(node.radius))" }
        guard node.radius <= limits.maximumRadius else {
            return "the radius is \(node.radius) um, more than \(limits.maximumRadius) um"
        }
        return nil
    }

    /// The index of every node, each parent before its children, in whatever order the file has them. Refuses cycles.
    private static func parentsFirst(_ nodes: [Node], lineOf: (Int) -> Int) throws(SWCError) -> [Int] {
        var order: [Int] = []
        order.reserveCapacity(nodes.count)
        // 0 not visited, 1 on the current path, 2 done.
        var state = [UInt8](repeating: 0, count: nodes.count)
        var path: [Int] = []
        for start in nodes.indices where state[start] == 0 {
            var index = start
            while index >= 0 && state[index] == 0 {
                state[index] = 1
                path.append(index)
                index = nodes[index].parent
            }
            if index >= 0 && state[index] == 1 {
                let reason =
                    nodes[index].parent == index
                    ? "node \(nodes[index].id) is its own parent" : "node \(nodes[index].id) is its own ancestor"
                throw SWCError(line: lineOf(index), reason: reason)
            }
            while let member = path.popLast() {
                order.append(member)
                state[member] = 2
            }
        }
        return order
    }
}
