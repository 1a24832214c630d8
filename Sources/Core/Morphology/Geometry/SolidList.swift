/// The solids of a skeleton: a rounded cone for each edge, a ball for each root, and tubes that fill the outline of a
/// soma.
struct SolidList {
    /// The solids in node order; those of outlines are last.
    private(set) var solids: [RoundedCone] = []

    /// Builds the solids of `skeleton`.
    ///
    /// The radius of every ball is raised to `floor`. An edge has the value of its child. With `.tube`, the edge from a
    /// node of type 1 to one of another type is a tube of the child's radius.
    /// - Parameters:
    ///   - grid: the grid on whose rows outlines are filled.
    ///   - value: the value to paint for a node index and a compartment; 0 leaves the solid out.
    /// - Throws: `LabelError.tooManyRuns` when filling outlines needs more than `options.maximumRuns`.
    init(
        _ skeleton: Skeleton, in grid: VoxelGrid, floor: Double, options: LabelOptions,
        value: (_ node: Int, _ compartment: Compartment) -> UInt16
    ) throws(LabelError) {
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
            let isTube = options.somaEdge == .tube && parent.type == 1 && node.type != 1
            solids.append(
                RoundedCone(
                    ax: parent.x, ay: parent.y, az: parent.z, ra: isTube ? radius : max(parent.radius, floor),
                    bx: node.x,
                    by: node.y, bz: node.z, rb: radius, value: painted))
        }
        for outline in skeleton.outlines {
            let painted = value(outline.nodes[0], .soma)
            guard painted != 0 else { continue }
            addFill(
                of: outline, skeleton, try OutlineFill(outline, in: grid, limit: options.maximumRuns), floor, painted)
        }
    }

    /// Adds the edge that closes an outline, and the outline's area.
    private mutating func addFill(
        of outline: SomaOutline, _ skeleton: Skeleton, _ fill: OutlineFill, _ floor: Double, _ value: UInt16
    ) {
        let (first, last) = (skeleton.nodes[outline.nodes[0]], skeleton.nodes[outline.nodes[outline.nodes.count - 1]])
        solids.append(
            RoundedCone(
                ax: last.x, ay: last.y, az: last.z, ra: max(last.radius, floor), bx: first.x, by: first.y, bz: first.z,
                rb: max(first.radius, floor), value: value))
        let radius = max(outline.radius, floor)
        for (y, x) in fill.stretches {
            solids.append(
                RoundedCone(
                    ax: x.lowerBound, ay: y, az: outline.z, ra: radius, bx: x.upperBound, by: y, bz: outline.z,
                    rb: radius, value: value))
        }
    }

    /// The radius floor of `options` on `grid`, um; 0 when it is switched off.
    ///
    /// With `.slab` sampling, half the diagonal of a voxel in x and y is enough: such a ball already reaches a labelled
    /// voxel.
    static func floor(_ options: LabelOptions, _ grid: VoxelGrid) -> Double {
        guard options.radiusFloor else { return 0 }
        switch options.sampling {
        case .centre: return grid.halfDiagonal
        case .slab: return 0.5 * (grid.spacingX * grid.spacingX + grid.spacingY * grid.spacingY).squareRoot()
        }
    }
}
