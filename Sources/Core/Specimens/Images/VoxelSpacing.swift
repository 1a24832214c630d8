/// The distance of two neighbouring voxels.
package struct VoxelSpacing: Hashable, Sendable {
    /// In x, um, above 0.
    package let x: Double
    /// In y, um, above 0.
    package let y: Double
    /// In z, um, above 0.
    package let z: Double

    /// A spacing.
    package init(x: Double, y: Double, z: Double) {
        self.x = x
        self.y = y
        self.z = z
    }

    /// A spacing that is `xy` in x and in y.
    package init(xy: Double, z: Double) { self.init(x: xy, y: xy, z: z) }
}
