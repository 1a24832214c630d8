package import Layouts
package import Morphology
package import Support

/// Labels as a volume: painted as they are read, without a lock.
///
/// Every voxel of a plane without an image says that nothing is known of it. Background there would be taken for tissue
/// without the neuron.
package struct LabelVolume: Volume {
    package let geometry: VolumeGeometry
    package let element: VoxelType
    private let source: any LabelSource
    private let gaps: Set<Int>
    /// What every byte of a voxel in a gap is.
    private let gapByte: UInt8
    private let watch: VersionWatch

    /// - Parameters:
    ///   - source: the labels without regard to the images.
    ///   - variant: of the labels.
    ///   - gaps: the planes without an image.
    ///   - watch: watches the files that the labels are made from.
    package init(_ source: any LabelSource, variant: LabelVariant, gaps: Set<Int>, watch: VersionWatch) {
        geometry = VolumeGeometry(source.grid)
        element = source.bytesPerVoxel == 2 ? .uint16 : .uint8
        self.source = source
        self.gaps = gaps
        let value = variant.valueWithoutImage
        precondition(value & 0xFF == value >> 8 || source.bytesPerVoxel == 1)
        gapByte = UInt8(truncatingIfNeeded: value)
        self.watch = watch
    }

    package func isCurrent(_ planes: Range<Int>) -> Bool { watch.isCurrent }
    package var hasChanged: Bool { watch.hasChanged }

    package func readNow(_ piece: PlanePiece, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
        let isWhole = piece.columns == 0..<geometry.shape.x && piece.rows == 0..<geometry.shape.y
        if isWhole, gaps.isEmpty || !gaps.contains(piece.plane) {
            unsafe source.paint(plane: piece.plane, bytes: piece.bytes, into: buffer)
        } else if isWhole {
            unsafe buffer.initializeMemory(as: UInt8.self, repeating: gapByte)
        } else {
            unsafe paint(piece, into: buffer)
        }
        return true
    }

    package func read(_ piece: PlanePiece, token: CancellationToken) -> Promise<VoxelCopy, VolumeError> {
        Promise(.success(unsafe VoxelCopy { [self] buffer in _ = unsafe readNow(piece, into: buffer) }))
    }

    package func cost(of piece: PlanePiece) -> ReadCost { .memory }

    package func isEmpty(_ box: VoxelBox) -> Bool? {
        guard box.z.contains(where: gaps.contains) else {
            return source.isEmpty(planes: box.z, x: box.x, y: box.y)
        }
        let isInside = box.x.overlaps(0..<geometry.shape.x) && box.y.overlaps(0..<geometry.shape.y)
        return box.z.allSatisfy { plane in
            gaps.contains(plane)
                ? gapByte == 0 || !isInside : source.isEmpty(planes: plane..<plane + 1, x: box.x, y: box.y)
        }
    }

    package func rowsFetched(with row: Int) -> Range<Int> { 0..<geometry.shape.y }

    package func countBlocks(
        in box: VoxelBox, forgets: Bool, token: CancellationToken
    ) -> Promise<BlockCount, VolumeError> {
        Promise(.success(BlockCount()))
    }

    /// Fills `buffer` with a piece of any rectangle: part of a row, whole rows, part of a row.
    private func paint(_ piece: PlanePiece, into buffer: UnsafeMutableRawBufferPointer) {
        let line = piece.columns.count * element.byteCount
        var byte = piece.bytes.lowerBound
        while byte < piece.bytes.upperBound {
            let (row, start) = byte.quotientAndRemainder(dividingBy: line)
            let rest = piece.bytes.upperBound - byte
            let isWhole = start == 0 && rest >= line
            let count = isWhole ? rest / line * line : min(line - start, rest)
            let place = byte - piece.bytes.lowerBound
            let target = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[place..<place + count])
            let first = piece.rows.lowerBound + row
            if isWhole {
                unsafe paint(
                    piece.plane, piece.columns, first..<first + count / line, into: target, rowStride: line)
            } else {
                unsafe paintPart(of: piece, row: first, bytes: start..<start + count, into: target)
            }
            byte += count
        }
    }

    /// Fills `buffer` with some bytes of a row of a piece. They may begin and end within a voxel.
    private func paintPart(
        of piece: PlanePiece, row: Int, bytes: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
    ) {
        let size = element.byteCount
        let voxels = bytes.lowerBound / size..<(bytes.upperBound + size - 1) / size
        let columns = piece.columns.lowerBound + voxels.lowerBound..<piece.columns.lowerBound + voxels.upperBound
        let painted = voxels.count * size
        unsafe withUnsafeTemporaryAllocation(byteCount: painted, alignment: 1) { scratch in
            unsafe paint(piece.plane, columns, row..<row + 1, into: scratch, rowStride: painted)
            let start = bytes.lowerBound - voxels.lowerBound * size
            unsafe buffer.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: scratch[start..<start + bytes.count]))
        }
    }

    /// Fills `buffer` with whole rows of a rectangle, `rowStride` bytes each.
    private func paint(
        _ plane: Int, _ columns: Range<Int>, _ rows: Range<Int>, into buffer: UnsafeMutableRawBufferPointer,
        rowStride: Int
    ) {
        guard gaps.contains(plane) else {
            return unsafe source.paintWindow(plane: plane, x: columns, y: rows, into: buffer, rowStride: rowStride)
        }
        unsafe buffer.zero()
        let size = element.byteCount
        let inside = columns.clamped(to: 0..<geometry.shape.x)
        guard !inside.isEmpty else { return }
        let start = (inside.lowerBound - columns.lowerBound) * size
        for row in rows.clamped(to: 0..<geometry.shape.y) {
            let line = (row - rows.lowerBound) * rowStride + start
            unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[line..<line + inside.count * size])
                .initializeMemory(as: UInt8.self, repeating: gapByte)
        }
    }
}

extension LabelVariant {
    /// The value of a plane without an image, in volumes of this variant.
    ///
    /// 255 is "unknown" where values are classes, and no other voxel of `binary` has it. 65535 is an id that only a skeleton
    /// of 65535 neurite sections has. In the two fields every value is a distance or the height of a peak: there the value
    /// is that of far background, and such planes have to be left out by their number.
    package var valueWithoutImage: UInt16 {
        switch self {
        case .classes, .classes3, .binary, .centerline, .ignore: 255
        case .instance: .max
        case .distance, .nodes: 0
        }
    }
}
