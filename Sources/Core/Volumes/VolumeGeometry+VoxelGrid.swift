package import Layouts
package import Morphology

extension VolumeGeometry {
    /// The geometry of a skeleton's voxel grid.
    package init(_ grid: VoxelGrid) {
        self.init(
            shape: ZYX(z: grid.depth, y: grid.height, x: grid.width),
            spacing: ZYX(z: grid.spacingZ, y: grid.spacingY, x: grid.spacingX),
            origin: ZYX(z: grid.z(0), y: grid.y(0), x: grid.x(0)))
    }
}
