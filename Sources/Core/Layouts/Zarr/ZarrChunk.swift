/// The layout of one chunk of a Zarr v2 array: its voxels, row after row, without a header (see ``ZarrArrayLayout``).
///
/// At the far edges of the volume the chunk reaches beyond it. What lies there is fill value, 0.
package struct ZarrChunk: ArrayLayout {
    package let voxels: VoxelBox
    package let bytesPerVoxel: Int

    /// The chunk that holds `voxels`.
    package init(voxels: VoxelBox, element: VoxelType) {
        self.voxels = voxels
        bytesPerVoxel = element.byteCount
    }

    package var headerSize: Int { 0 }
    package var fileSize: Int { voxels.z.count * planeSize }
    package func headerBytes(_ range: Range<Int>) -> [UInt8] { [] }
}
