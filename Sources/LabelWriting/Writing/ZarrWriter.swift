import Layouts
import Morphology

/// Writes a label source and its pyramid as an OME-Zarr directory. Chunks without a label are left out.
struct ZarrWriter {
    /// Largest sides of a chunk, voxels: the fewest files and bytes for crops around a neuron (docs/BENCHMARKS.md, chunk
    /// shapes).
    static let chunk = ZYX(z: 32, y: 256, x: 256)

    private let image: OMEZarrImage

    /// - Throws: a request error when no OME-Zarr can have the grid.
    init(grid: VoxelGrid, variant: LabelVariant, name: String) throws(LabelWritingError) {
        let shape = ZYX(z: grid.depth, y: grid.height, x: grid.width)
        do throws(OMEZarrError) {
            image = try OMEZarrImage(
                name: name,
                geometry: VolumeGeometry(
                    shape: shape, spacing: ZYX(z: grid.spacingZ, y: grid.spacingY, x: grid.spacingX),
                    origin: ZYX(z: grid.z(0), y: grid.y(0), x: grid.x(0))),
                dataType: variant.bytesPerVoxel == 2 ? .uint16 : .uint8,
                // Sides beyond the volume's would only be filled with zeros.
                chunk: Self.chunk.zip(shape) { side, length in min(side, length) },
                label: try LabelMeaning(variant).imageLabel())
        } catch {
            throw .request("OME-Zarr cannot hold this volume: \(error)", cause: error)
        }
    }

    /// Sides, spacing and centre of the first voxel of each level, um.
    var levels: [OMEZarrImage.Level] { image.levels }

    /// Chunks of all levels.
    var chunkCount: Int {
        image.levels.reduce(0) { sum, level in
            sum + level.array.chunkGrid.z * level.array.chunkGrid.y * level.array.chunkGrid.x
        }
    }

    /// Writes the directory.
    /// - Parameters:
    ///   - first: the source of level 0.
    ///   - source: makes that of a higher level, drawn anew with the radius floor of its own voxels: subsampling would
    ///     tear thin neurites.
    func write(
        _ first: any LabelSource, to path: String, progress: inout ProgressCounter,
        source: (VoxelGrid) throws(LabelWritingError) -> any LabelSource
    ) throws(LabelWritingError) {
        var folder = try TemporaryFolder(for: path)
        try folder.write(image.zgroup(), to: ".zgroup")
        try folder.write(image.zattrs(), to: ".zattrs")
        try folder.write(image.zmetadata(), to: ".zmetadata")
        for (index, level) in image.levels.enumerated() {
            try folder.write(image.zarray(level: index), to: "\(index)/.zarray")
            let labels = index == 0 ? first : try source(first.grid.level(index))
            try Self.write(labels, level.array, to: &folder, under: "\(index)/", progress: &progress)
        }
        try folder.commit()
    }

    private static func write(
        _ source: any LabelSource, _ array: ZarrArrayLayout, to folder: inout TemporaryFolder, under prefix: String,
        progress: inout ProgressCounter
    ) throws(LabelWritingError) {
        var bytes = [UInt8](repeating: 0, count: array.chunkByteCount)
        let rowStride = array.chunk.x * source.bytesPerVoxel
        let planeBytes = array.chunk.y * rowStride
        for z in 0..<array.chunkGrid.z {
            for y in 0..<array.chunkGrid.y {
                for x in 0..<array.chunkGrid.x {
                    let voxels = array.voxels(ofChunk: ZYX(z: z, y: y, x: x))
                    if source.isEmpty(planes: voxels.z, x: voxels.x, y: voxels.y) { continue }
                    unsafe bytes.withUnsafeMutableBytes { buffer in
                        for plane in voxels.z {
                            let start = (plane - voxels.z.lowerBound) * planeBytes
                            unsafe source.paintWindow(
                                plane: plane, x: voxels.x, y: voxels.y,
                                into: UnsafeMutableRawBufferPointer(rebasing: buffer[start..<(start + planeBytes)]),
                                rowStride: rowStride)
                        }
                    }
                    try folder.write(bytes, to: prefix + array.chunkKey(ZYX(z: z, y: y, x: x)))
                }
                try progress.advance(by: array.chunkGrid.x)
            }
        }
    }
}
