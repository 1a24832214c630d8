/// The layout of a whole stack as one file: a BigTIFF whose directories all stand at the head, followed by the voxels as
/// one contiguous (z, y, x) array.
///
/// Readers that walk directories see D pages; `tifffile.memmap` sees one (D, H, W) array, or (H, W) where D is 1. With W, H, D the sides in
/// voxels, b = bits per sample / 8, R = 64 rows a strip and S = ceil(H / R) strips of a page:
///
/// ```text
/// byte 0        "II" 43 8 0        little endian, BigTIFF, 8-byte offsets
///      8        16                 where the first directory begins
///      16       directory 0        8 + 20 n + 8 bytes and its values: n = 15 fields; ImageDescription (what makes the
///                                  pages a volume, see below), StripOffsets 8 S, StripByteCounts 4 S, Software 9
/// 16 + A        directory 1        n = 13 fields: as above without ImageDescription and Software
///   ...         directory k        at 16 + A + (k - 1) B, each of B bytes; the last one's link is 0
///               zeros              up to
/// P = headerSize                   4096 ceil((16 + A + (D - 1) B) / 4096)
/// P             plane 0            strips in order, W H b bytes
/// P + W H b     plane 1
///   ...         voxel (x, y, z)    at P + ((z H + y) W + x) b
/// P + W H D b   end of file
/// ```
///
/// A and B, the sizes of a directory with its values, are multiples of 8 and do not depend on where it stands, so any
/// part of the header is computed without the rest: 420 planes of 10,000 rows have a header of 1 MB.
///
/// The description of directory 0 is OME-XML, so the file is an OME-TIFF whatever its name: Bio-Formats (and with it
/// Fiji, OMERO, QuPath) and tifffile take the pages for planes, z spacing and all. Without it Bio-Formats takes them for
/// time points. An ImageJ description would do as well for Bio-Formats, but its readers take the resolution fields to be in
/// the description's unit. Ours are in centimetres, as ITK and libtiff want them.
///
/// The format is BigTIFF, <https://libtiff.gitlab.io/libtiff/specification/bigtiff.html>.
package struct VolumeTIFF: ArrayLayout {
    /// Voxels of a row.
    package let width: Int
    /// Rows of a plane.
    package let height: Int
    /// Planes.
    package let depth: Int
    /// 8 or 16; 16-bit samples are little endian.
    package let bitsPerSample: Int
    /// Bytes of the file, header included.
    package let fileSize: Int
    /// Bytes before the first voxel, a multiple of 4096.
    package let headerSize: Int

    private let image: GreyImage
    private let description: String
    private let firstDirectorySize: Int
    private let directorySize: Int

    private static let firstDirectory = 16

    /// Lays out a stack.
    ///
    /// - Parameters:
    ///   - width: Voxels of a row, 1...2^24.
    ///   - height: Rows of a plane, 1...2^24.
    ///   - depth: Planes, 1...2^24.
    ///   - bitsPerSample: 8 or 16.
    ///   - spacing: Distance of the voxels, um.
    ///   - description: What the volume is, ASCII; of the control characters only tab and line ends.
    /// - Throws: `TIFFLayoutError` when the shape, sample, spacing or description cannot be expressed, or the file would
    ///   exceed 2^63 - 1 bytes.
    package init(
        width: Int, height: Int, depth: Int, bitsPerSample: Int, spacing: ZYX<Double>, description: String? = nil
    ) throws(TIFFLayoutError) {
        let image = try GreyImage(
            width: width, height: height, depth: depth, bitsPerSample: bitsPerSample, spacing: spacing,
            description: description)
        if let description, !OMEXML.isText(description) { throw .invalidDescription }

        self.width = width
        self.height = height
        self.depth = depth
        self.bitsPerSample = bitsPerSample
        self.image = image
        self.description = OMEXML.document(
            width: width, height: height, depth: depth, bitsPerSample: bitsPerSample, spacing: spacing,
            description: description)
        firstDirectorySize = Self.directory(image, firstPixel: 0, description: self.description).size
        directorySize = Self.directory(image, firstPixel: 0, description: nil).size

        let limit = Int.max
        let (voxels, tooManyVoxels) = image.planeSize.multipliedReportingOverflow(by: depth)
        // No overflow: with sides up to 2^24 a directory has up to 2^22 bytes, and there are up to 2^24 directories.
        let directories = Self.firstDirectory + firstDirectorySize + (depth - 1) * directorySize
        headerSize = directories.rounded(upTo: GreyImage.headerAlignment)
        let (size, tooLong) = headerSize.addingReportingOverflow(voxels)
        guard !tooManyVoxels, !tooLong else { throw .tooLarge(limit: limit) }
        fileSize = size
    }

    package var voxels: VoxelBox { ZYX(z: 0..<depth, y: 0..<height, x: 0..<width) }
    package var bytesPerVoxel: Int { bitsPerSample / 8 }

    /// A part of the header; only the directories that lie in it are made.
    ///
    /// - Parameter range: Bytes from the start of the file; what exceeds the header is left out.
    package func headerBytes(_ range: Range<Int>) -> [UInt8] {
        let range = range.clamped(to: 0..<headerSize)
        guard !range.isEmpty else { return [] }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        var position = range.lowerBound
        while position < range.upperBound {
            let piece = piece(at: position)
            let end = min(range.upperBound, piece.start + piece.bytes.count)
            bytes.append(contentsOf: piece.bytes[(position - piece.start)..<(end - piece.start)])
            position = end
        }
        return bytes
    }

    /// The file's first 16 bytes, a directory, or the zeros behind the last: whichever byte `position` belongs to.
    private func piece(at position: Int) -> (start: Int, bytes: [UInt8]) {
        if position < Self.firstDirectory {
            var bytes: [UInt8] = Array("II".utf8)
            for number in [43, 8, 0] as [UInt16] { bytes.append(littleEndian: number) }
            bytes.append(littleEndian: UInt64(Self.firstDirectory))
            return (0, bytes)
        }
        let second = offset(ofDirectory: 1)
        let index = position < second ? 0 : 1 + (position - second) / directorySize
        let start = offset(ofDirectory: index)
        guard index < depth else {
            let padding = offset(ofDirectory: depth)
            return (padding, [UInt8](repeating: 0, count: headerSize - padding))
        }
        let directory = Self.directory(
            image, firstPixel: headerSize + index * image.planeSize, description: index == 0 ? description : nil)
        return (start, directory.encoded(at: start, next: index + 1 < depth ? offset(ofDirectory: index + 1) : 0))
    }

    private func offset(ofDirectory index: Int) -> Int {
        index == 0 ? Self.firstDirectory : Self.firstDirectory + firstDirectorySize + (index - 1) * directorySize
    }

    /// - Parameter description: `nil` for all directories but the first, the only one with the fields of the file.
    private static func directory(_ image: GreyImage, firstPixel: Int, description: String?) -> TIFFDirectory {
        let strips = 0..<image.stripCount
        let stripStride = GreyImage.rowsPerStrip * image.bytesPerRow
        return TIFFDirectory(
            image.fields + (description.map { GreyImage.fileFields(description: $0) } ?? []) + [
                .long8(.stripOffsets, strips.map { firstPixel + $0 * stripStride }),
                .long(.stripByteCounts, strips.map(image.stripSize)),
            ], flavour: .big)
    }
}
