/// The codes of `LabelVariant.distance`.
///
/// Let d be the signed distance in um to the surface of the labelled union, negative inside, in steps of clip / 127:
///
///     inside  (d <= 1e-6)   128 + floor(127 min(-d / clip, 1)):   128 on the surface, 255 at `clip` or deeper
///     outside               127 - floor(127 min(d / clip, 1)):    127 next to it, 0 at `clip` or farther
///
/// So a code of 128 or more is exactly `LabelVariant.binary`. Outside, d is the exact distance to the nearest solid.
/// Inside, it is the greatest depth below the surface of any one solid. Where solids merge, that is at most the depth
/// below their common surface. Decode with d = (127.5 - code) / 127 * clip, to half a step.
public enum DistanceField {
    /// The code of a signed distance `d` um.
    @inline(__always) public static func code(distance d: Double, clip: Double) -> UInt8 {
        if d <= RoundedCone.tolerance { return 128 + UInt8(127 * min(max(-d, 0) / clip, 1)) }
        return 127 - UInt8(127 * min(d / clip, 1))
    }

    /// The source of the variant. It is sampled at voxel centres, and the radius floor is half a voxel diagonal,
    /// whatever `options.sampling` is.
    static func source(
        of skeleton: Skeleton, in grid: VoxelGrid, options: LabelOptions
    ) throws(LabelError) -> any LabelSource {
        guard options.clip > 0 && options.clip <= 1000 else {
            throw .option("a clip of \(options.clip) um; it must be above 0 and at most 1000 um")
        }
        try grid.validate()
        let list = try SolidList(
            skeleton, in: grid, floor: options.radiusFloor ? grid.halfDiagonal : 0, options: options
        ) { _, _ in 1 }
        return try FieldSource(
            DistanceShape(list.solids, clip: options.clip), grid: grid, limit: options.maximumRuns)
    }
}

/// Edges as balls alone, 64 bytes each. The cone is derived again when a window needs it.
private struct DistanceShape: FieldShape {
    private struct Edge {
        var ax, ay, az, ra, bx, by, bz, rb: Double
    }

    private let edges: [Edge]
    private let clip: Double

    /// Radii are kept grown by `clip`: the signed distance to the grown solid is smaller by `clip`.
    init(_ solids: [RoundedCone], clip: Double) {
        self.clip = clip
        edges = solids.map { solid in
            Edge(
                ax: solid.ax, ay: solid.ay, az: solid.az, ra: solid.ra + clip, bx: solid.bx, by: solid.by, bz: solid.bz,
                rb: solid.rb + clip)
        }
    }

    struct Kernel: FieldKernel {
        let support: RoundedCone
        let clip: Double

        @inline(__always) func code(x: Double, y: Double, z: Double) -> UInt8 {
            DistanceField.code(distance: support.signedDistance(x: x, y: y, z: z) + clip, clip: clip)
        }
    }

    var count: Int { edges.count }
    var footprint: Int { edges.count * MemoryLayout<Edge>.stride }

    func kernel(_ index: Int) -> Kernel {
        let edge = edges[index]
        return Kernel(
            support: RoundedCone(
                ax: edge.ax, ay: edge.ay, az: edge.az, ra: edge.ra, bx: edge.bx, by: edge.by, bz: edge.bz, rb: edge.rb,
                value: 1), clip: clip)
    }

    func box(_ index: Int) -> FieldBox {
        let edge = edges[index]
        return FieldBox(
            ax: edge.ax, ay: edge.ay, az: edge.az, ra: edge.ra, bx: edge.bx, by: edge.by, bz: edge.bz, rb: edge.rb)
    }
}
