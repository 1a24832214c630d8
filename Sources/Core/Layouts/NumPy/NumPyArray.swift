/// The layout of a volume as one NumPy file: an array of shape (z, y, x) in C order, which `np.load(mmap_mode="r")` maps.
///
/// With D, H, W the sides in voxels and b the bytes of a voxel:
///
/// ```text
/// byte 0        0x93 "NUMPY"       magic
///      6        1 0                format version
///      8        4086               length of the rest of the header, 16 bits, little endian
///      10       text               {'descr': '|u1', 'fortran_order': False, 'shape': (D, H, W), }
///               blanks             up to
///      4095     line feed
///      4096     plane 0            H rows of W b bytes
///        ...    voxel (x, y, z)    at 4096 + ((z H + y) W + x) b
/// 4096 + W H D b                   end of file
/// ```
///
/// The type is `|u1` or `<u2`. The format wants voxels to begin at a multiple of 64. A whole page lets a mapping share no
/// page with the header, as in `stack.tif`, so that both formats ask for the same tiles. NumPy refuses headers of more than
/// 10,000 bytes unless told otherwise. The text has at most 104 bytes, so format version 2.0, for headers of more than
/// 65,535 bytes, is never needed.
///
/// The format is <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.
package struct NumPyArray: ArrayLayout {
    /// Bytes before the first voxel.
    package var headerSize: Int { Self.headerSize }
    private static let headerSize = 4096

    package let voxels: VoxelBox
    package let bytesPerVoxel: Int
    package let fileSize: Int
    /// The header up to the blanks, which every open file would keep otherwise.
    private let head: [UInt8]

    /// Lays out a volume.
    ///
    /// - Parameter shape: Sides of the volume, voxels, 1 or more.
    /// - Throws: `NumPyLayoutError` when a side is below 1, or the file would exceed 2^63 - 1 bytes.
    package init(shape: ZYX<Int>, element: VoxelType) throws(NumPyLayoutError) {
        guard shape.array.allSatisfy({ $0 > 0 }) else { throw .invalidShape(shape) }
        var size = element.byteCount
        for side in shape.array {
            let (product, isTooLarge) = size.multipliedReportingOverflow(by: side)
            guard !isTooLarge, product <= Int.max - Self.headerSize else { throw .tooLarge }
            size = product
        }
        voxels = shape.map { 0..<$0 }
        bytesPerVoxel = element.byteCount
        fileSize = Self.headerSize + size

        let sides = shape.array.map(String.init).joined(separator: ", ")
        let text = "{'descr': '\(element.rawValue)', 'fortran_order': False, 'shape': (\(sides)), }"
        var head: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
        head.append(littleEndian: UInt16(Self.headerSize - head.count - 2))
        self.head = head + Array(text.utf8)
    }

    package func headerBytes(_ range: Range<Int>) -> [UInt8] {
        let range = range.clamped(to: 0..<Self.headerSize)
        guard !range.isEmpty else { return [] }
        let blanks = repeatElement(UInt8(ascii: " "), count: Self.headerSize - 1 - head.count)
        return Array((head + blanks + [UInt8(ascii: "\n")])[range])
    }
}

/// Why no NumPy file can be laid out for a volume.
package enum NumPyLayoutError: Error, Hashable, Sendable {
    /// A side is below 1.
    case invalidShape(ZYX<Int>)
    /// The file would be longer than 2^63 - 1 bytes.
    case tooLarge
}
