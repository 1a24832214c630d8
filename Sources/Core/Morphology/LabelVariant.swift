/// The meaning of the voxels of a label volume. The raw value is the name that users see (`labels-<name>`).
///
/// "Inside" means inside the union of the exact rounded cones of all edges and the balls of the roots. The signed
/// distance, evaluated in Double at the voxel centre, is at most 1e-6 um.
public enum LabelVariant: String, Sendable, Hashable, CaseIterable {
    /// uint8 `Compartment` codes: 1 soma, 2 axon, 3 basal dendrite, 4 apical dendrite, 255 unknown. Where solids of
    /// several classes overlap, the lowest code wins.
    case classes = "labels"
    /// As `classes` with 4 written as 3: the Allen Institute's own training code (0, 1, 2, 3).
    case classes3
    /// uint8, 1 inside.
    case binary
    /// uint16, one id for each neurite section between branch points and class changes; the soma has its own id. See
    /// `Sections`.
    case instance
    /// uint8 compartment codes on the centre lines alone, one voxel wide and 26-connected. A centre line is the integer
    /// line between the voxels nearest to the ends of an edge.
    case centerline
    /// uint8 clipped signed distance to the surface. 0 is at `clip` or more outside, 127 just outside, 128 on the
    /// surface, 255 at `clip` or more inside. See `DistanceField`.
    case distance
    /// uint8 gaussian peaks at soma, tips and branch points, 255 at a node. See `NodeField`.
    case nodes
    /// As `classes`, with `LabelOptions.ignoreValue` within `ignoreRadius` of every marker of type 10 (cut dendrite)
    /// and 20 (no reconstruction). It replaces background and classes alike, because nothing was traced there. Nodes of
    /// unknown class have the same value.
    ///
    /// nnU-Net needs consecutive class ids with the ignore label last, which 255 is not. For nnU-Net create the source
    /// with `ignoreValue = 5`, and declare `"ignore": 5` after the classes 0...4 in dataset.json.
    case ignore

    /// The name in options, reports and metadata. `labels-<name>` is the folder of a mount, and `labels` that of `classes`.
    package var name: String { self == .classes ? "classes" : rawValue }

    /// Bytes of one voxel: 2 for `instance`, else 1.
    public var bytesPerVoxel: Int { self == .instance ? 2 : 1 }

    /// Computes what this variant needs and returns the source.
    ///
    /// - Parameters:
    ///   - skeleton: coordinates in the grid's frame, micrometres. Call `VoxelGrid.refusal(of:)` first when the frame
    /// is not certain.
    ///   - markers: used by `ignore` alone.
    ///   - grid: any grid; parts of the neuron outside it are not drawn.
    ///   - options: see `LabelOptions`.
    /// - Throws: `LabelError` for an unusable grid or option, or a skeleton that needs more work than permitted.
    public func source(
        of skeleton: Skeleton, markers: [Marker] = [], in grid: VoxelGrid, options: LabelOptions = LabelOptions()
    ) throws(LabelError) -> any LabelSource {
        switch self {
        case .classes, .classes3, .binary:
            try RunIndex(skeleton, variant: self, grid: grid, options: options)
        case .instance: try RunIndex(sectionsOf: skeleton, grid: grid, options: options)
        case .centerline: try RunIndex(centreLinesOf: skeleton, grid: grid, options: options)
        case .ignore: try RunIndex(ignoringAround: markers, of: skeleton, grid: grid, options: options)
        case .distance: try DistanceField.source(of: skeleton, in: grid, options: options)
        case .nodes: try NodeField.source(of: skeleton, in: grid, options: options)
        }
    }
}
