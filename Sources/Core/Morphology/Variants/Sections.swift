/// The neurite sections of a skeleton, whose ids `LabelVariant.instance` paints.
///
/// A section is a chain of nodes between branch points, roots, tips and changes of compartment; connected soma nodes
/// are one section. Ids count from 1 by compartment code (soma, axon, basal, apical, unknown), and within one
/// compartment in the order of the file. So "the lowest id wins" where solids overlap, and the section of every voxel
/// has the compartment that `LabelVariant.classes` shows.
public struct Sections: Sendable, Hashable {
    /// One section.
    public struct Section: Sendable, Hashable {
        /// The id that is painted, from 1.
        public var id: UInt16
        /// The compartment of all its nodes.
        public var compartment: Compartment
        /// The section of the parent of its first node; 0 for a section that begins at a root.
        public var parent: UInt16
        /// The length of its edges, um: from the last node of the parent section (or the centre of the soma) to its own
        /// last node.
        public var length: Double
        /// The number of its nodes.
        public var nodeCount: Int
    }

    /// The sections; section id i is at index i - 1.
    public let all: [Section]
    /// The section id of each node of the skeleton.
    public let ids: [UInt16]

    /// Divides `skeleton`.
    /// - Throws: `LabelError.tooManySections` above 65,535.
    public init(_ skeleton: Skeleton) throws(LabelError) {
        let nodes = skeleton.nodes
        let compartments = skeleton.compartments
        func begins(_ index: Int) -> Bool {
            let parent = nodes[index].parent
            guard parent >= 0, compartments[parent] == compartments[index] else { return true }
            return compartments[index] != .soma && skeleton.childCounts[parent] > 1
        }
        let heads = nodes.indices.filter(begins)
        guard heads.count <= Int(UInt16.max) else { throw .tooManySections(heads.count) }
        var ids = [UInt16](repeating: 0, count: nodes.count)
        var sections: [Section] = []
        for compartment in Compartment.allCases {
            for head in heads where compartments[head] == compartment {
                let id = UInt16(sections.count + 1)
                ids[head] = id
                sections.append(Section(id: id, compartment: compartment, parent: 0, length: 0, nodeCount: 0))
            }
        }
        // A node that does not begin a section has the id of its parent, wherever the parent is in the file.
        var path: [Int] = []
        for start in nodes.indices {
            var index = start
            while ids[index] == 0 {
                path.append(index)
                index = nodes[index].parent
            }
            let id = ids[index]
            while let member = path.popLast() { ids[member] = id }
        }
        for (index, node) in nodes.enumerated() {
            let section = Int(ids[index]) - 1
            sections[section].nodeCount += 1
            guard node.parent >= 0 else { continue }
            let parent = nodes[node.parent]
            let (dx, dy, dz) = (node.x - parent.x, node.y - parent.y, node.z - parent.z)
            sections[section].length += (dx * dx + dy * dy + dz * dz).squareRoot()
            if ids[node.parent] != ids[index] { sections[section].parent = ids[node.parent] }
        }
        self.ids = ids
        all = sections
    }
}

extension RunIndex {
    /// Section ids, two bytes a voxel.
    convenience init(
        sectionsOf skeleton: Skeleton, grid: VoxelGrid, options: LabelOptions
    ) throws(LabelError) {
        try grid.validate()
        let ids = try Sections(skeleton).ids
        let list = try SolidList(
            skeleton, in: grid, floor: SolidList.floor(options, grid), options: options
        ) { node, _ in ids[node] }
        try self.init(solids: list.solids, grid: grid, options: options, bytesPerVoxel: 2)
    }
}
