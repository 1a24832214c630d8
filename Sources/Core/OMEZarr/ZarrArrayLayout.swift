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
public struct ZarrArrayLayout: Hashable, Sendable {
    /// How a voxel is stored.
    public enum DataType: String, Sendable {
        /// Unsigned, 8 bits.
        case uint8 = "|u1"
        /// Unsigned, 16 bits, little endian.
        case uint16 = "<u2"

        /// Bytes of a voxel.
        public var byteCount: Int { self == .uint8 ? 1 : 2 }
    }

    /// Sides of the volume, voxels.
    public let shape: ZYX<Int>
    /// Sides of a chunk, voxels; may exceed those of the volume.
    public let chunk: ZYX<Int>
    /// How a voxel is stored.
    public let dataType: DataType
    /// Chunks along each axis: the sides of the volume over those of a chunk, rounded up.
    public let chunkGrid: ZYX<Int>

    /// Lays out an array.
    ///
    /// - Parameters:
    ///   - shape: Sides of the volume, voxels, 1...2^31 - 1.
    ///   - chunk: Sides of a chunk, voxels, 1...2^31 - 1; at most 2^31 - 1 bytes together.
    /// - Throws: `OMEZarrError.invalidShape` or `.invalidChunk` when they are not.
    public init(shape: ZYX<Int>, chunk: ZYX<Int>, dataType: DataType) throws(OMEZarrError) {
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
    public var chunkByteCount: Int { chunk.z * chunk.y * chunk.x * dataType.byteCount }

    /// Whether there is a chunk `index`.
    public func contains(_ index: ZYX<Int>) -> Bool {
        index.zip(chunkGrid) { $0 >= 0 && $0 < $1 }.array.allSatisfy(\.self)
    }

    /// The voxels of the volume that a chunk holds, as a range on each axis: as long as the chunk, shorter at the far
    /// edges.
    ///
    /// Voxel (z, y, x) of the volume is number `((z - z0) * chunk.y + (y - y0)) * chunk.x + (x - x0)` of the chunk file,
    /// with (z0, y0, x0) the lower bounds.
    ///
    /// - Parameter index: The chunk, within `chunkGrid`.
    public func voxels(ofChunk index: ZYX<Int>) -> ZYX<Range<Int>> {
        index.zip(chunk) { ($0 * $1, ($0 + 1) * $1) }.zip(shape) { $0.0..<min($0.1, $1) }
    }

    /// The path of a chunk below the array's directory, for example "4/19/7".
    public func chunkKey(_ index: ZYX<Int>) -> String { "\(index.z)/\(index.y)/\(index.x)" }

    /// The contents of `.zarray`.
    public func zarray() -> [UInt8] { metadata.file }

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
