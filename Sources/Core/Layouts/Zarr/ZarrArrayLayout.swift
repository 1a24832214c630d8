import Support

/// The layout of one Zarr v2 array: which file holds which voxels.
///
/// ```text
/// .zarray             the metadata, JSON
/// z/y/x               chunk (z, y, x), for example 4/19/7: raw voxels, row-major (z, y, x), without any compression;
///                     always the bytes of a whole chunk, also at the far edges, where the excess is fill value
/// ```
///
/// A chunk that does not exist is read as fill value 0 throughout, so a chunk without a voxel other than 0 may be left
/// out. The format is Zarr storage specification version 2,
/// <https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html>, with the dimension separator "/" that OME-NGFF wants.
package struct ZarrArrayLayout: Hashable, Sendable {
    /// Sides of the volume, voxels.
    package let shape: ZYX<Int>
    /// Sides of a chunk, voxels; may exceed those of the volume.
    package let chunk: ZYX<Int>
    /// How a voxel is stored.
    package let dataType: VoxelType
    /// Chunks along each axis: the sides of the volume over those of a chunk, rounded up.
    package let chunkGrid: ZYX<Int>

    /// Lays out an array.
    ///
    /// - Parameters:
    ///   - shape: Sides of the volume, voxels, 1...2^31 - 1.
    ///   - chunk: Sides of a chunk, voxels, 1...2^31 - 1; at most 2^31 - 1 bytes together.
    /// - Throws: `OMEZarrError.invalidShape` or `.invalidChunk` when they are not.
    package init(shape: ZYX<Int>, chunk: ZYX<Int>, dataType: VoxelType) throws(OMEZarrError) {
        let sides = 1...Int(Int32.max)
        guard shape.array.allSatisfy(sides.contains) else { throw .invalidShape(shape) }
        // Two sides of 31 bits cannot overflow, the product with a third one can.
        guard chunk.array.allSatisfy(sides.contains), chunk.y * chunk.x <= sides.upperBound,
            chunk.z * chunk.y * chunk.x <= sides.upperBound / dataType.byteCount
        else { throw .invalidChunk(chunk) }
        self.shape = shape
        self.chunk = chunk
        self.dataType = dataType
        chunkGrid = shape.zip(chunk) { ($0 + $1 - 1) / $1 }
    }

    /// Bytes of every chunk file.
    package var chunkByteCount: Int { chunk.z * chunk.y * chunk.x * dataType.byteCount }

    /// The voxels of a chunk. At the far edges they reach beyond the volume.
    ///
    /// - Parameter index: The chunk, within `chunkGrid`.
    package func voxels(ofChunk index: ZYX<Int>) -> VoxelBox { index.zip(chunk) { $0 * $1..<($0 + 1) * $1 } }

    /// The path of a chunk below the array's directory, for example "4/19/7".
    package func chunkKey(_ index: ZYX<Int>) -> String { "\(index.z)/\(index.y)/\(index.x)" }

    /// The contents of `.zarray`.
    package func zarray() -> [UInt8] { metadata.file }

    /// The value of which `.zarray` is the text.
    var metadata: JSONValue {
        [
            "chunks": .array(chunk.array.map(JSONValue.int)),
            "compressor": .null,
            "dimension_separator": .string("/"),
            "dtype": .string(dataType.rawValue),
            "fill_value": .int(0),
            "filters": .null,
            "order": .string("C"),
            "shape": .array(shape.array.map(JSONValue.int)),
            "zarr_format": .int(2),
        ]
    }
}

extension JSONValue {
    /// The bytes of a metadata file: indented, with a line end at the end, to be read by people as well.
    var file: [UInt8] { Array(text(.indented).utf8) + [UInt8(ascii: "\n")] }
}
