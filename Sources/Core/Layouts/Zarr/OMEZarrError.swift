/// Why no OME-Zarr directory can be laid out for a volume.
package enum OMEZarrError: Error, Hashable, Sendable {
    /// A side of the volume is not within 1...2^31 - 1 voxels.
    case invalidShape(ZYX<Int>)
    /// A side of a chunk is not within 1...2^31 - 1 voxels, or a chunk has more than 2^31 - 1 bytes, the most that
    /// readers hold in one buffer.
    case invalidChunk(ZYX<Int>)
    /// A spacing is not positive and finite, or an origin is not finite.
    case invalidTransformation(spacing: ZYX<Double>, origin: ZYX<Double>)
    /// The number of levels is not within 1...32; the 32nd of the largest volume has a single voxel a plane.
    case invalidLevelCount(Int)
    /// Two classes have the same label value, which the `image-label` metadata forbids.
    case repeatedLabelValue(Int)
}
