/// A file that holds an array: which of its bytes is which voxel. Pure arithmetic, without any pixel.
///
/// Every layout is a header, and behind it all voxels of a box: plane after plane, row after row, without padding.
///
/// ```text
/// byte 0        header             headerSize bytes, none in a Zarr chunk
/// headerSize    first plane        of voxels.z: row after row, each voxels.x.count * bytesPerVoxel bytes
///   ...         further planes
/// fileSize      end of file
/// ```
package protocol ArrayLayout: Sendable {
    /// Bytes before the first voxel.
    var headerSize: Int { get }

    /// The voxels of the file, in the coordinates of the volume that the file shows. The box may reach beyond that volume.
    var voxels: VoxelBox { get }

    /// Bytes of a voxel, 1 or 2; little endian.
    var bytesPerVoxel: Int { get }

    /// Bytes of the file, header included.
    var fileSize: Int { get }

    /// A part of the header.
    ///
    /// - Parameter range: Bytes from the start of the file. What exceeds the header is left out.
    func headerBytes(_ range: Range<Int>) -> [UInt8]
}

/// Bytes of one plane that follow each other in a file.
package struct PlanePiece: Hashable, Sendable {
    /// The plane of the volume.
    package var plane: Int
    /// The columns of the volume that the file has of this plane, 0 or more. They may reach beyond the volume.
    package var columns: Range<Int>
    /// The rows of the volume that the file has of this plane, 0 or more. They may reach beyond the volume.
    package var rows: Range<Int>
    /// Which bytes: of the rectangle of `columns` and `rows`, stored row after row without padding. Never empty.
    package var bytes: Range<Int>

    /// A piece with every field given.
    package init(plane: Int, columns: Range<Int>, rows: Range<Int>, bytes: Range<Int>) {
        self.plane = plane
        self.columns = columns
        self.rows = rows
        self.bytes = bytes
    }
}

extension ArrayLayout {
    /// Bytes of the part of a plane that the file has.
    package var planeSize: Int { voxels.y.count * voxels.x.count * bytesPerVoxel }

    /// Calls `body` with the voxels in a range of the file: one piece for each plane, in order, without a hole.
    ///
    /// A closure, because a read has a piece or two, and an array would cost it an allocation.
    ///
    /// - Parameter range: Bytes from the start of the file. Of the header, and behind the end of the file, there are no
    ///   pieces.
    package func forEachPiece(in range: Range<Int>, _ body: (PlanePiece) -> Void) {
        let (headerSize, planeSize, voxels) = (headerSize, planeSize, voxels)
        let end = min(range.upperBound, fileSize) - headerSize
        var position = max(range.lowerBound - headerSize, 0)
        while position < end {
            let (plane, start) = position.quotientAndRemainder(dividingBy: planeSize)
            let count = min(planeSize - start, end - position)
            body(
                PlanePiece(
                    plane: voxels.z.lowerBound + plane, columns: voxels.x, rows: voxels.y, bytes: start..<start + count)
            )
            position += count
        }
    }
}
