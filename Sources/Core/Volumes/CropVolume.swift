package import Layouts
package import Support

/// The view of a box of another volume. Its voxel (0, 0, 0) is the first of the box. Beyond the box every voxel is 0.
package struct CropVolume: Volume {
    package let geometry: VolumeGeometry
    private let base: any Volume
    private let box: VoxelBox

    /// - Parameter box: voxels of `base`, at least one; a part of it that lies outside of `base` reads as 0.
    package init(_ base: any Volume, to box: VoxelBox) {
        self.base = base
        self.box = box
        geometry = base.geometry.crop(to: box)
    }

    package var element: VoxelType { base.element }
    package func isCurrent(_ planes: Range<Int>) -> Bool {
        base.isCurrent(planes.lowerBound + box.z.lowerBound..<planes.upperBound + box.z.lowerBound)
    }
    package var hasChanged: Bool { base.hasChanged }

    package func readNow(_ piece: PlanePiece, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
        switch target(of: piece) {
        case .outside:
            unsafe buffer.zero()
            return true
        case .inside(let piece): return unsafe base.readNow(piece, into: buffer)
        case .across(let part):
            return unsafe withUnsafeTemporaryAllocation(byteCount: part.piece.bytes.count, alignment: 1) { scratch in
                guard unsafe base.readNow(part.piece, into: scratch) else { return false }
                unsafe part.spread(UnsafeRawBufferPointer(scratch), into: buffer)
                return true
            }
        }
    }

    package func read(_ piece: PlanePiece, token: CancellationToken) -> Promise<VoxelCopy, VolumeError> {
        switch target(of: piece) {
        case .outside: Promise(.success(.zeros))
        case .inside(let piece): base.read(piece, token: token)
        case .across(let part):
            base.read(part.piece, token: token).map { voxels in
                unsafe VoxelCopy { buffer in
                    unsafe withUnsafeTemporaryAllocation(byteCount: part.piece.bytes.count, alignment: 1) { scratch in
                        unsafe voxels.copy(into: scratch)
                        unsafe part.spread(UnsafeRawBufferPointer(scratch), into: buffer)
                    }
                }
            }
        }
    }

    package func cost(of piece: PlanePiece) -> ReadCost {
        switch target(of: piece) {
        case .outside: .memory
        case .inside(let piece): base.cost(of: piece)
        case .across(let part): base.cost(of: part.piece)
        }
    }

    package func isEmpty(_ box: VoxelBox) -> Bool? {
        let inside = box.zip(geometry.shape) { $0.clamped(to: 0..<$1) }
        return inside.array.contains(where: \.isEmpty) ? true : base.isEmpty(translate(inside))
    }

    package func rowsFetched(with row: Int) -> Range<Int> {
        let rows = base.rowsFetched(with: row + box.y.lowerBound)
        return rows.lowerBound - box.y.lowerBound..<rows.upperBound - box.y.lowerBound
    }

    package func countBlocks(
        in box: VoxelBox, forgets: Bool, token: CancellationToken
    ) -> Promise<BlockCount, VolumeError> {
        let inside = box.zip(geometry.shape) { $0.clamped(to: 0..<$1) }
        guard !inside.array.contains(where: \.isEmpty) else { return Promise(.success(BlockCount())) }
        return base.countBlocks(in: translate(inside), forgets: forgets, token: token)
    }

    private func translate(_ inside: VoxelBox) -> VoxelBox {
        inside.zip(box) { $0.lowerBound + $1.lowerBound..<$0.upperBound + $1.lowerBound }
    }

    /// Where the voxels of a piece come from.
    private enum Target {
        case outside
        /// A piece of `base` that has the same bytes.
        case inside(PlanePiece)
        case across(Part)
    }

    /// The part inside the box of a piece that reaches beyond it, as whole rows.
    private struct Part {
        var piece: PlanePiece
        /// Bytes of a row of the part.
        var line: Int
        /// Where the first byte of the part lies in the buffer of the whole piece; less than 0 when only a later byte does.
        var start: Int
        /// Bytes of a row of the whole piece.
        var stride: Int

        /// Fills the buffer of the whole piece.
        func spread(_ part: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer) {
            unsafe buffer.zero()
            for row in 0..<part.count / line {
                let first = start + row * stride
                let inside = (first..<first + line).clamped(to: 0..<buffer.count)
                let source = row * line + inside.lowerBound - first
                guard !inside.isEmpty else { continue }
                unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[inside])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: part[source..<source + inside.count]))
            }
        }
    }

    private func target(of piece: PlanePiece) -> Target {
        let shape = geometry.shape
        let size = element.byteCount
        let stride = piece.columns.count * size
        let touched =
            piece.rows.lowerBound + piece.bytes.lowerBound / stride..<piece.rows.lowerBound
            + (piece.bytes.upperBound - 1) / stride + 1
        let rows = touched.clamped(to: 0..<shape.y)
        let columns = piece.columns.clamped(to: 0..<shape.x)
        guard 0..<shape.z ~= piece.plane, !rows.isEmpty, !columns.isEmpty else { return .outside }
        func translated(_ rows: Range<Int>, _ bytes: Range<Int>) -> PlanePiece {
            let moved = translate(VoxelBox(z: piece.plane..<piece.plane + 1, y: rows, x: columns))
            return PlanePiece(plane: moved.z.lowerBound, columns: moved.x, rows: moved.y, bytes: bytes)
        }
        if columns == piece.columns, rows == touched { return .inside(translated(piece.rows, piece.bytes)) }
        let line = columns.count * size
        let start =
            (rows.lowerBound - piece.rows.lowerBound) * stride + (columns.lowerBound - piece.columns.lowerBound) * size
            - piece.bytes.lowerBound
        return .across(Part(piece: translated(rows, 0..<rows.count * line), line: line, start: start, stride: stride))
    }
}
