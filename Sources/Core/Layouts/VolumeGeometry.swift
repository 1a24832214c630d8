/// Where the voxels of a volume lie. Axes are (z, y, x).
package struct VolumeGeometry: Hashable, Sendable {
    /// Sides of the volume, voxels.
    package var shape: ZYX<Int>
    /// Distance of neighbouring voxel centres, um.
    package var spacing: ZYX<Double>
    /// The centre of voxel (0, 0, 0), um.
    package var origin: ZYX<Double>

    /// A geometry with every field given.
    package init(shape: ZYX<Int>, spacing: ZYX<Double>, origin: ZYX<Double>) {
        self.shape = shape
        self.spacing = spacing
        self.origin = origin
    }

    /// Voxels of full resolution that a voxel of `level` covers on each axis: 2^level in a plane, 1 across planes.
    package static func factor(level: Int) -> ZYX<Int> { ZYX(z: 1, y: 1 << level, x: 1 << level) }

    /// The geometry of a pyramid level: 0 is this one, level n has voxels 2^n times as wide and high. All planes stay.
    ///
    /// Voxel i of level n covers voxels `2^n i ..< 2^n (i + 1)` of this geometry and is centred in their middle, at
    /// `origin + (2^n i + (2^n - 1) / 2) spacing`. Sides are rounded up.
    ///
    /// - Parameter level: 0...31.
    package func level(_ level: Int) -> VolumeGeometry {
        let factor = Self.factor(level: level)
        return VolumeGeometry(
            shape: shape.zip(factor) { ($0 + $1 - 1) / $1 },
            spacing: spacing.zip(factor) { $0 * Double($1) },
            origin: origin.zip(spacing.zip(factor) { $0 * Double($1 - 1) / 2 }, +))
    }

    /// The geometry of a box of this volume.
    package func crop(to box: VoxelBox) -> VolumeGeometry {
        let start = spacing.zip(box) { $0 * Double($1.lowerBound) }
        return VolumeGeometry(shape: box.map(\.count), spacing: spacing, origin: origin.zip(start, +))
    }
}
