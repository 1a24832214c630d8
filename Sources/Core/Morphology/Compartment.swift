/// The part of the cell that a node belongs to, with the code that is painted for it. The codes are those of the SWC
/// format and of the Allen Institute's own training labels.
public enum Compartment: UInt8, Sendable, Hashable, CaseIterable {
    /// Cell body.
    case soma = 1
    /// Axon.
    case axon = 2
    /// Basal dendrite, or dendrite of a cell without an apical one.
    case basal = 3
    /// Apical dendrite.
    case apical = 4
    /// Any other type, 0 included. It must not become background.
    case unknown = 255

    /// The compartment that an SWC type names by itself; `nil` for 5 and 6. The older CNIC list calls these fork and
    /// end, the INCF list custom and unspecified neurite. Their neighbours along the neurite decide
    /// (`CompartmentRule`).
    init?(type: Int) {
        switch type {
        case 1: self = .soma
        case 2: self = .axon
        case 3: self = .basal
        case 4: self = .apical
        case 5, 6: return nil
        default: self = .unknown
        }
    }

    /// Whether this is the class of a neurite: axon, basal or apical dendrite.
    var isNeurite: Bool { self == .axon || self == .basal || self == .apical }
}

/// The compartment of every node of a forest.
///
/// Types 1 to 4 name their compartment; types other than 5 and 6 are unknown. A node of type 5 or 6 takes the class of
/// its nearest ancestor of type 2, 3 or 4. Without one, it takes the class of its nearest descendant of such a type;
/// among equally near ones the lowest code counts. Without either, it is unknown. The path to the ancestor or
/// descendant may contain only nodes of type 5 and 6. So the soma's class is never inherited, and nothing is inherited
/// across the soma. The order of the nodes does not matter.
struct CompartmentRule {
    /// One compartment for each node.
    private(set) var compartments: [Compartment]
    /// Nodes of type 5 or 6 that took the class of another node.
    private(set) var inferredCount = 0

    /// - Parameter order: the index of every node, each parent before its children.
    init(_ nodes: [Skeleton.Node], order: [Int]) {
        let own = nodes.map { node in Compartment(type: node.type) }
        compartments = own.map { compartment in compartment ?? .unknown }
        guard own.contains(nil) else { return }

        var above = [Compartment?](repeating: nil, count: nodes.count)
        for index in order where own[index] == nil && nodes[index].parent >= 0 {
            let parent = nodes[index].parent
            above[index] = own[parent].map { named in named.isNeurite ? named : nil } ?? above[parent]
        }
        // The upper bits hold the steps to the nearest descendant, the lowest eight its code. So the minimum is the
        // result.
        let none = Int.max
        var below = [Int](repeating: none, count: nodes.count)
        for index in order.reversed() {
            let parent = nodes[index].parent
            guard parent >= 0, own[parent] == nil else { continue }
            if let named = own[index] {
                if named.isNeurite { below[parent] = min(below[parent], 1 << 8 | Int(named.rawValue)) }
            } else if below[index] != none {
                below[parent] = min(below[parent], below[index] + 1 << 8)
            }
        }
        for index in nodes.indices where own[index] == nil {
            let descendant = below[index] == none ? nil : Compartment(rawValue: UInt8(below[index] & 0xFF))
            guard let found = above[index] ?? descendant else { continue }
            compartments[index] = found
            inferredCount += 1
        }
    }
}
