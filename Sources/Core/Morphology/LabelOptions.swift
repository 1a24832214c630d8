/// Where a plane samples the solids.
public enum PlaneSampling: String, Sendable, Hashable, CaseIterable {
    /// At the voxel centre in z. With the radius floor, every neurite is already connected.
    case centre
    /// Anywhere in the closed z interval of the voxel, half a z spacing either side. This is closer to a widefield
    /// image and has 10 to 30 % more voxels.
    case slab
}

/// The shape of the edge from a soma node to a node of another type.
public enum SomaEdge: String, Sendable, Hashable, CaseIterable {
    /// A tube of the child's radius, as NEURON and Arbor ("Allen interpretation") read a one-point soma.
    case tube
    /// A cone from the full soma radius, as Vaa3D, swcgeom and SNT draw it; up to 9 % more basal dendrite.
    case taper
}

/// The kinds of nodes that `LabelVariant.nodes` marks.
public struct NodeKinds: OptionSet, Sendable, Hashable {
    /// One bit for each kind.
    public let rawValue: UInt8

    /// Kinds by their bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Nodes of type 1. A soma drawn as an outline counts as one node, at its centre.
    public static let soma = NodeKinds(rawValue: 1)
    /// Nodes that are not somata and have no child.
    public static let tips = NodeKinds(rawValue: 2)
    /// Nodes that are not somata and have two children or more.
    public static let branchPoints = NodeKinds(rawValue: 4)
    /// All of them.
    public static let all: NodeKinds = [.soma, .tips, .branchPoints]
}

/// How a skeleton becomes voxels. The defaults are the label semantics of this project. All lengths are micrometres.
public struct LabelOptions: Sendable, Hashable {
    /// Default `.centre`.
    public var sampling = PlaneSampling.centre
    /// Default `.tube`.
    public var somaEdge = SomaEdge.tube
    /// Whether a radius below half a voxel diagonal is raised to it, which makes every piece 26-connected. Default
    /// true.
    public var radiusFloor = true
    /// `LabelVariant.distance`: the distance at which the value saturates. Default 2 um.
    public var clip = 2.0
    /// `LabelVariant.nodes`: standard deviation of a peak. `radiusFloor` raises it to half a voxel diagonal. Default
    /// 0.5 um.
    public var sigma = 0.5
    /// `LabelVariant.nodes`: the kinds of nodes that have a peak. Default all.
    public var nodeKinds = NodeKinds.all
    /// `LabelVariant.ignore`: radius of the ball around a marker of type 10 or 20. Default 5 um.
    public var ignoreRadius = 5.0
    /// `LabelVariant.ignore`: the value of ignored voxels, 1...255. Default 255, PyTorch's customary `ignore_index`.
    public var ignoreValue: UInt8 = 255
    /// Upper bound of the runs that one index may compute before overlaps are resolved. A skeleton of 41,000 nodes of
    /// usual size needs 0.9 million. Default 20 million.
    public var maximumRuns = 20_000_000

    /// The defaults.
    public init() {}
}
