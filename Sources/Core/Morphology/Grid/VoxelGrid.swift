/// A box of voxels in the frame of a skeleton.
///
/// Voxel (i, j, k) = (column, row, plane) is centred at ((i + originX) * spacingX, (j + originY) * spacingY, (k +
/// originZ) * spacingZ) um. With origin 0, the centre of voxel i is at i x spacing. This is the convention of the Allen
/// Institute's skeletons, where terminal nodes are at whole multiples of the spacing.
public struct VoxelGrid: Sendable, Hashable {
    /// Columns of a plane.
    public var width: Int
    /// Rows of a plane.
    public var height: Int
    /// Planes.
    public var depth: Int
    /// Micrometres from a column to the next.
    public var spacingX: Double
    /// Micrometres from a row to the next.
    public var spacingY: Double
    /// Micrometres from a plane to the next.
    public var spacingZ: Double
    /// The column of the full frame at which column 0 is centred, in voxels of this grid. It is fractional in pyramid
    /// levels.
    public var originX: Double
    /// The row of the full frame at which row 0 is centred.
    public var originY: Double
    /// The plane of the full frame at which plane 0 is centred.
    public var originZ: Double

    /// The xy spacing where no file states one, micrometres: that of most stacks with a skeleton (docs/DATA.md).
    public static let assumedLateralSpacing = 0.1144
    /// The z spacing where no file states one, micrometres.
    public static let assumedAxialSpacing = 0.28
    /// Most columns and rows of a grid: a run keeps each in 16 bits.
    public static let maximumSide = 65536
    /// Most planes of a grid.
    public static let maximumDepth = 1 << 20

    /// A grid of `width` x `height` x `depth` voxels. By default its pixel (0, 0) is pixel (0, 0) of the
    /// full frame. Planes served as SubImages have originX = originY = 1.
    public init(
        width: Int, height: Int, depth: Int, spacingX: Double = assumedLateralSpacing,
        spacingY: Double = assumedLateralSpacing, spacingZ: Double = assumedAxialSpacing, originX: Double = 0,
        originY: Double = 0, originZ: Double = 0
    ) {
        self.width = width
        self.height = height
        self.depth = depth
        self.spacingX = spacingX
        self.spacingY = spacingY
        self.spacingZ = spacingZ
        self.originX = originX
        self.originY = originY
        self.originZ = originZ
    }

    /// Voxels of one plane.
    public var planeVoxels: Int { width * height }

    /// Half the diagonal of a voxel, um: 0.16169 for the default spacing. A ball of this radius around any point contains
    /// the nearest voxel centre, so a centre line drawn with it has no gap.
    public var halfDiagonal: Double {
        0.5 * (spacingX * spacingX + spacingY * spacingY + spacingZ * spacingZ).squareRoot()
    }

    /// x of the centre of column `i`, um.
    @inline(__always) public func x(_ i: Int) -> Double { (Double(i) + originX) * spacingX }
    /// y of the centre of row `j`, um.
    @inline(__always) public func y(_ j: Int) -> Double { (Double(j) + originY) * spacingY }
    /// z of the centre of plane `k`, um.
    @inline(__always) public func z(_ k: Int) -> Double { (Double(k) + originZ) * spacingZ }

    /// The grid of pyramid level `n`: columns and rows are `2^n` times as large, planes keep their size.
    ///
    /// Voxel i of the level covers columns `2^n i ..< 2^n (i + 1)` of this grid. Its centre is the middle of these,
    /// column `2^n i + (2^n - 1) / 2`. So the origin is fractional, and exact in Double. Sizes are rounded up, so the
    /// last column of an odd side covers one column only. The radius floor follows from the level's own spacing.
    public func level(_ n: Int) -> VoxelGrid {
        precondition(n >= 0 && n < 32, "pyramid level \(n)")
        let factor = 1 << n
        let scale = Double(factor)
        var grid = self
        grid.width = (width + factor - 1) / factor
        grid.height = (height + factor - 1) / factor
        grid.spacingX = spacingX * scale
        grid.spacingY = spacingY * scale
        grid.originX = (originX + (scale - 1) / 2) / scale
        grid.originY = (originY + (scale - 1) / 2) / scale
        return grid
    }

    /// Throws when a side or a spacing is outside the range in which the engine can compute.
    func validate() throws(LabelError) {
        guard (1...Self.maximumSide).contains(width), (1...Self.maximumSide).contains(height) else {
            throw .grid("a plane of \(width) x \(height) voxels; each side must be 1 to \(Self.maximumSide)")
        }
        guard (1...Self.maximumDepth).contains(depth) else {
            throw .grid("\(depth) planes; the number must be 1 to \(Self.maximumDepth)")
        }
        for spacing in [spacingX, spacingY, spacingZ] where !(spacing >= 1e-4 && spacing <= 1e4) {
            throw .grid("a spacing of \(spacing) um; it must be 0.0001 to 10000 um")
        }
        for origin in [originX, originY, originZ] where !(abs(origin) <= 1e6) {
            throw .grid("an origin of \(origin) voxels; it must be -1000000 to 1000000")
        }
    }
}
