import Glibc

/// The codes of `LabelVariant.nodes`. The code of a voxel is the greatest floor(255 exp(-d^2 / (2 sigma^2)) + 1/2) over
/// the marked nodes. There d is the distance in um from the voxel centre to the node. There is no cut: a peak ends
/// where its code rounds to 0, at d = sigma sqrt(2 ln 510) = 3.53 sigma. The code is 255 only where a node lies close
/// to a voxel centre.
public enum NodeField {
    /// The code at distance `d` um, from the square of `d`.
    @inline(__always) public static func code(squaredDistance d2: Double, sigma: Double) -> UInt8 {
        UInt8(255 * exp(-d2 / (2 * sigma * sigma)) + 0.5)
    }

    /// The distance, in sigma, at which 255 exp(-d^2 / 2) is one half.
    static let reach = (2 * log(510.0)).squareRoot()

    /// The places of the peaks of the given kinds, um. A soma drawn as an outline has one, at the centroid of its area.
    static func peaks(_ kinds: NodeKinds, of skeleton: Skeleton) -> [SIMD3<Double>] {
        let outlined = Set(skeleton.outlines.lazy.flatMap(\.nodes))
        let marked = skeleton.nodes.indices.filter { index in
            if skeleton.nodes[index].type == 1 { return kinds.contains(.soma) && !outlined.contains(index) }
            switch skeleton.childCounts[index] {
            case 0: return kinds.contains(.tips)
            case 1: return false
            default: return kinds.contains(.branchPoints)
            }
        }
        let places = marked.map { index in
            SIMD3(skeleton.nodes[index].x, skeleton.nodes[index].y, skeleton.nodes[index].z)
        }
        return places + (kinds.contains(.soma) ? skeleton.outlines.map(\.centre) : [])
    }

    /// The source of the variant.
    static func source(
        of skeleton: Skeleton, in grid: VoxelGrid, options: LabelOptions
    ) throws(LabelError) -> any LabelSource {
        guard options.sigma > 0 && options.sigma <= 1000 else {
            throw .option("a sigma of \(options.sigma) um; it must be above 0 and at most 1000 um")
        }
        let sigma = options.radiusFloor ? max(options.sigma, grid.halfDiagonal) : options.sigma
        let shape = PeakShape(peaks: peaks(options.nodeKinds, of: skeleton), sigma: sigma)
        return try FieldSource(shape, grid: grid, limit: options.maximumRuns)
    }
}

private struct PeakShape: FieldShape {
    let peaks: [SIMD3<Double>]
    let sigma: Double

    struct Kernel: FieldKernel {
        let support: RoundedCone
        let sigma: Double

        @inline(__always) func code(x: Double, y: Double, z: Double) -> UInt8 {
            let (dx, dy, dz) = (x - support.ax, y - support.ay, z - support.az)
            return NodeField.code(squaredDistance: dx * dx + dy * dy + dz * dz, sigma: sigma)
        }
    }

    var count: Int { peaks.count }
    var footprint: Int { peaks.count * MemoryLayout<SIMD3<Double>>.stride }

    func kernel(_ index: Int) -> Kernel {
        let peak = peaks[index]
        return Kernel(
            support: RoundedCone(x: peak.x, y: peak.y, z: peak.z, radius: NodeField.reach * sigma, value: 1),
            sigma: sigma)
    }

    func box(_ index: Int) -> FieldBox {
        let peak = peaks[index]
        let reach = NodeField.reach * sigma
        return FieldBox(
            ax: peak.x, ay: peak.y, az: peak.z, ra: reach, bx: peak.x, by: peak.y, bz: peak.z, rb: reach)
    }
}
