/// The distance of two neighbouring voxels.
package struct VoxelSpacing: Hashable, Sendable {
    /// In x and in y, um, above 0.
    package let xy: Double
    /// In z, um, above 0.
    package let z: Double

    /// A spacing.
    package init(xy: Double, z: Double) {
        self.xy = xy
        self.z = z
    }
}
