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

    /// The compartment an SWC type names by itself; `nil` for 5 (fork) and 6 (end), which take their nearest
    /// ancestor's.
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
}
