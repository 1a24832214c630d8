/// The layout of one plane as one file: a classic TIFF, grey, uncompressed, its pixels one contiguous row-major array.
///
/// It is the layout that every reader tried opens and that can be memory-mapped as well. With W, H the sides in pixels,
/// b = bits per sample / 8, R = 64 rows a strip and S = ceil(H / R) strips:
///
/// ```text
/// byte 0        "II" 42            little endian, classic TIFF
///      4        8                  where the directory begins
///      8        directory          2 + 12 n + 4 bytes; n = 15 fields, 14 without a description
///               values             those longer than 4 bytes, each from an even offset, in the order of their tags:
///                                  ImageDescription, StripOffsets 4 S, StripByteCounts 4 S (both inline when S = 1),
///                                  XResolution 8, YResolution 8, Software 9
///               zeros              up to
/// P = headerSize                   4096 ceil((end of values) / 4096); one page up to S = 486 without a description
/// P            strip 0             rows 0 ..< 64
/// P + R W b    strip 1             rows 64 ..< 128
///   ...        strip s             at P + s R W b, min(R, H - s R) W b bytes
/// P + W H b    end of file
/// ```
///
/// So pixel (x, y) lies at `P + (y W + x) b`, and the header depends on no pixel: one value serves all planes of a
/// specimen. A file never exceeds 2^32 - 1 bytes, the reach of a 32-bit offset.
///
/// The format is TIFF 6.0 (1992): section 2 for the header and directory, section 3 and 4 for the baseline fields.
package struct PlaneTIFF: ArrayLayout {
    /// Pixels of a row.
    package let width: Int
    /// Rows.
    package let height: Int
    /// 8 or 16; 16-bit samples are little endian.
    package let bitsPerSample: Int
    /// Which plane of its volume the file shows. The header does not depend on it.
    package var plane = 0
    /// Bytes of the file, header included.
    package let fileSize: Int
    /// The bytes before the first pixel; a multiple of 4096 of them.
    package let header: [UInt8]

    /// Lays out a plane.
    ///
    /// - Parameters:
    ///   - width: Pixels of a row, 1...2^24.
    ///   - height: Rows, 1...2^24.
    ///   - bitsPerSample: 8 or 16.
    ///   - spacing: Distance of the pixels, um; x and y become the resolution fields, z is not stored.
    ///   - description: ImageDescription, ASCII. Readers take meaning from its beginning: `<?xml` makes tifffile look
    ///     for sibling files, `ImageJ=` and `{"shape":` promise more planes; leave these out of a one-plane file.
    /// - Throws: `TIFFLayoutError` when the shape, sample, spacing or description cannot be expressed, or the file would
    ///   exceed 2^32 - 1 bytes.
    package init(
        width: Int, height: Int, bitsPerSample: Int, spacing: ZYX<Double>, description: String? = nil
    ) throws(TIFFLayoutError) {
        let image = try GreyImage(
            width: width, height: height, depth: 1, bitsPerSample: bitsPerSample, spacing: spacing,
            description: description)
        let limit = Int(UInt32.max)
        guard image.planeSize <= limit else { throw .tooLarge(limit: limit) }

        func directory(firstPixel: Int) -> TIFFDirectory {
            let strips = 0..<image.stripCount
            let stripStride = GreyImage.rowsPerStrip * image.bytesPerRow
            return TIFFDirectory(
                image.fields + GreyImage.fileFields(description: description) + [
                    .long(.stripOffsets, strips.map { firstPixel + $0 * stripStride }),
                    .long(.stripByteCounts, strips.map(image.stripSize)),
                ], flavour: .classic)
        }
        let headerSize = (8 + directory(firstPixel: 0).size).rounded(upTo: GreyImage.headerAlignment)
        guard headerSize <= limit - image.planeSize else { throw .tooLarge(limit: limit) }

        self.width = width
        self.height = height
        self.bitsPerSample = bitsPerSample
        header = Self.header(directory(firstPixel: headerSize))
        fileSize = headerSize + image.planeSize
    }

    /// Bytes before the first pixel.
    package var headerSize: Int { header.count }

    /// The head of a classic TIFF with one directory, up to the first byte of its strips.
    static func header(_ directory: TIFFDirectory) -> [UInt8] {
        var header: [UInt8] = Array("II".utf8)
        header.append(littleEndian: UInt16(42))
        header.append(littleEndian: UInt32(8))
        header.append(contentsOf: directory.encoded(at: 8, next: 0))
        header.pad(to: GreyImage.headerAlignment)
        return header
    }

    package var voxels: VoxelBox { ZYX(z: plane..<plane + 1, y: 0..<height, x: 0..<width) }
    package var bytesPerVoxel: Int { bitsPerSample / 8 }
    package func headerBytes(_ range: Range<Int>) -> [UInt8] { Array(header[range.clamped(to: 0..<headerSize)]) }
}
