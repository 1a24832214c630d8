/// What a node is part of: the code painted for it. Codes are those of the SWC format and of the Allen Institute's own
/// training labels.
public enum Compartment: UInt8, Sendable, Hashable, CaseIterable {
    /// Cell body.
    case soma = 1
    /// Axon.
    case axon = 2
    /// Basal dendrite, or dendrite of a cell without an apical one.
    case basal = 3
    /// Apical dendrite.
    case apical = 4
    /// Any other type, 0 included, which must not become background.
    case unknown = 255

    /// The compartment an SWC type names by itself; `nil` for 5 and 6, which the older CNIC list calls fork and end and
    /// the INCF list custom and unspecified neurite: their neighbours along the neurite decide (`CompartmentRule`).
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
/// Types 1 to 4 name their compartment, types other than 5 and 6 are unknown. A node of type 5 or 6 takes the class of
/// the nearest ancestor of type 2, 3 or 4; else of the nearest descendant of such a type, of several equally near the
/// lowest code; else it is unknown. Both ways lead over nodes of type 5 and 6 alone: the soma is never inherited, and
/// nothing is inherited across it. The order of the nodes does not matter.
struct CompartmentRule {
    /// One a node.
    private(set) var compartments: [Compartment]
    /// Nodes of type 5 or 6 that have a neighbour's class.
    private(set) var inferredCount = 0

    /// - Parameter order: the index of every node, a parent before its children.
    init(_ nodes: [Skeleton.Node], order: [Int]) {
        let own = nodes.map { node in Compartment(type: node.type) }
        compartments = own.map { compartment in compartment ?? .unknown }
        guard own.contains(nil) else { return }

        var above = [Compartment?](repeating: nil, count: nodes.count)
        for index in order where own[index] == nil && nodes[index].parent >= 0 {
            let parent = nodes[index].parent
            above[index] = own[parent].map { named in named.isNeurite ? named : nil } ?? above[parent]
        }
        // Steps to the nearest descendant in the upper bits, its code in the lowest eight: the least is the one wanted.
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
