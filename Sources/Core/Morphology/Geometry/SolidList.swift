/// The solids a skeleton is drawn as: a rounded cone for each edge and a ball for each root.
struct SolidList {
    /// In node order.
    private(set) var solids: [RoundedCone] = []

    /// Builds the solids of `skeleton`.
    ///
    /// The radius of every ball is raised to `floor`. An edge has the value of its child. The edge from a node of type
    /// 1 to one of another type is a tube of the child's radius with `.tube`.
    /// - Parameter value: what to paint for node index and compartment; 0 leaves the solid out.
    init(
        _ skeleton: Skeleton, floor: Double, somaEdge: SomaEdge,
        value: (_ node: Int, _ compartment: Compartment) -> UInt16
    ) {
        solids.reserveCapacity(skeleton.nodes.count)
        for (index, node) in skeleton.nodes.enumerated() {
            let painted = value(index, skeleton.compartments[index])
            guard painted != 0 else { continue }
            let radius = max(node.radius, floor)
            guard node.parent >= 0 else {
                solids.append(RoundedCone(x: node.x, y: node.y, z: node.z, radius: radius, value: painted))
                continue
            }
            let parent = skeleton.nodes[node.parent]
            let isTube = somaEdge == .tube && parent.type == 1 && node.type != 1
            solids.append(
                RoundedCone(
                    ax: parent.x, ay: parent.y, az: parent.z, ra: isTube ? radius : max(parent.radius, floor),
                    bx: node.x,
                    by: node.y, bz: node.z, rb: radius, value: painted))
        }
    }

    /// The radius floor of `options` on `grid`, um; 0 when it is switched off.
    ///
    /// With `.slab` sampling a ball as wide as half the diagonal of a voxel in x and y already reaches a labelled
    /// voxel.
    static func floor(_ options: LabelOptions, _ grid: VoxelGrid) -> Double {
        guard options.radiusFloor else { return 0 }
        switch options.sampling {
        case .centre: return grid.halfDiagonal
        case .slab: return 0.5 * (grid.spacingX * grid.spacingX + grid.spacingY * grid.spacingY).squareRoot()
        }
    }
}
