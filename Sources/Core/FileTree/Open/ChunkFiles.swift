internal import Morphology
internal import SpecimenData
internal import Support

/// An open chunk of labels: painted as it is read, edge chunks filled with background.
final class LabelChunkFile: OpenFile {
    private let source: any LabelSource
    private let box: (planes: Range<Int>, rows: Range<Int>, columns: Range<Int>)
    private let buffers: BufferPool

    let keepsPageCache = true
    let bypassesPageCache = false

    init(
        source: any LabelSource, box: (planes: Range<Int>, rows: Range<Int>, columns: Range<Int>), buffers: BufferPool
    ) {
        self.source = source
        self.box = box
        self.buffers = buffers
    }

    func read(offset: Int, count: Int, isDirect: Bool, token: CancellationToken, receiver: any ReadReceiver) {
        let line = box.columns.count * source.bytesPerVoxel
        let planeSize = box.rows.count * line
        let range = clamped(offset: offset, count: count, size: box.planes.count * planeSize)
        guard !range.isEmpty else { return unsafe receiver.deliver([UInt8]().span.bytes) }
        // Whole lines are painted and the part asked for is handed over: reads begin at page boundaries, lines do not.
        let lines = range.lowerBound / line..<(range.upperBound - 1) / line + 1
        unsafe buffers.withBuffer(count: lines.count * line) { buffer in
            for plane in lines.lowerBound / box.rows.count...(lines.upperBound - 1) / box.rows.count {
                let first = max(lines.lowerBound, plane * box.rows.count)
                let last = min(lines.upperBound, (plane + 1) * box.rows.count)
                let rows =
                    box.rows.lowerBound + first - plane * box.rows.count..<box.rows.lowerBound + last - plane
                    * box.rows.count
                let target = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: buffer[(first - lines.lowerBound) * line..<(last - lines.lowerBound) * line])
                unsafe source.paintWindow(
                    plane: box.planes.lowerBound + plane, x: box.columns, y: rows, into: target, rowStride: line)
            }
            let from = range.lowerBound - lines.lowerBound * line
            receiver.deliver(
                unsafe RawSpan(
                    _unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[from..<from + range.count])))
        }
    }
}

/// An open chunk of images: one tile, edge chunks filled with zero.
final class ImageChunkFile: OpenFile {
    private let version: PlaneReader.Version
    private let tile: Int
    private let side: Int
    private let planes: PlaneReader

    let keepsPageCache = true
    let bypassesPageCache = false

    init(version: PlaneReader.Version, tile: Int, side: Int, planes: PlaneReader) {
        self.version = version
        self.tile = tile
        self.side = side
        self.planes = planes
    }

    func read(offset: Int, count: Int, isDirect: Bool, token: CancellationToken, receiver: any ReadReceiver) {
        let side = self.side
        let rectangle = version.grid.rectangle(tile)
        let range = clamped(offset: offset, count: count, size: side * side)
        planes.tile(version, tile, token: token) { outcome in
            switch outcome {
            case .failure(.changedUpstream): receiver.fail(.stale)
            case .failure(let error): receiver.fail(.data(error))
            case .success(let pixels):
                if rectangle.width == side, rectangle.height == side {
                    return receiver.deliver(pixels, range)
                }
                var chunk = [UInt8](repeating: 0, count: side * side)
                for y in 0..<rectangle.height {
                    chunk.replaceSubrange(
                        y * side..<y * side + rectangle.width,
                        with: pixels[y * rectangle.width..<(y + 1) * rectangle.width])
                }
                receiver.deliver(chunk, range)
            }
        }
    }

    func countBlocks(
        forgets: Bool, token: CancellationToken,
        completion: @escaping @Sendable (Result<BlockCount, FileTreeError>) -> Void
    ) {
        planes.countBlocks(version, tiles: tile..<tile + 1, forgets: forgets, token: token) {
            completion($0.mapError { .data($0) })
        }
    }
}
