internal import Glibc
internal import Layouts

/// The part of a plane of images that a piece shows, and the tiles that it lies in.
struct TileWindow: Sendable {
    /// Bytes of the piece.
    var byteCount: Int { piece.bytes.count }
    /// Whether no byte of the piece lies beyond the plane.
    let isInside: Bool

    private let piece: PlanePiece
    private let grid: TileGrid
    /// The rows of the plane that the piece has bytes of.
    private let rows: Range<Int>
    /// The columns of the piece, in bytes from the left edge of the plane.
    private let columns: Range<Int>

    /// Bytes of a row of the plane.
    private var planeLine: Int { grid.width * grid.pixelSize }
    /// Bytes of a row of a whole tile.
    private var tileLine: Int { grid.side * grid.pixelSize }

    init(_ piece: PlanePiece, _ grid: TileGrid) {
        self.piece = piece
        self.grid = grid
        columns = piece.columns.lowerBound * grid.pixelSize..<piece.columns.upperBound * grid.pixelSize
        let first = piece.rows.lowerBound + piece.bytes.lowerBound / columns.count
        let last = piece.rows.lowerBound + (piece.bytes.upperBound - 1) / columns.count
        rows = (first..<last + 1).clamped(to: 0..<grid.height)
        isInside =
            rows == first..<last + 1 && columns.clamped(to: 0..<grid.width * grid.pixelSize) == columns
    }

    /// The tiles that hold a byte of the piece, as ranges of their numbers: ascending, and joined where one follows the
    /// other.
    var tileRanges: [Range<Int>] {
        guard !rows.isEmpty else { return [] }
        var ranges: [Range<Int>] = []
        for band in rows.lowerBound / grid.side...(rows.upperBound - 1) / grid.side {
            let present = (band * grid.side..<(band + 1) * grid.side).clamped(to: rows)
            for part in columns(of: present) {
                let across = part.clamped(to: 0..<planeLine)
                guard !across.isEmpty else { continue }
                let first = band * grid.columns + across.lowerBound / tileLine
                let end = band * grid.columns + (across.upperBound - 1) / tileLine + 1
                if let last = ranges.last, last.upperBound >= first {
                    ranges[ranges.count - 1] = last.lowerBound..<end
                } else {
                    ranges.append(first..<end)
                }
            }
        }
        return ranges
    }

    /// The numbers of the tiles, ascending.
    var tiles: [Int] { tileRanges.flatMap(\.self) }

    /// The bytes across the plane that the piece has in any of some rows of it. Two rows may leave a gap in the middle: the
    /// end of one and the start of the next.
    private func columns(of rows: Range<Int>) -> [Range<Int>] {
        let first = bytes(ofRow: rows.lowerBound)
        if rows.count == 1 { return [first] }
        let last = bytes(ofRow: rows.upperBound - 1)
        return rows.count == 2 && last.upperBound < first.lowerBound ? [last, first] : [columns]
    }

    /// The bytes across the plane that the piece has of a row; of the first and the last row not all.
    private func bytes(ofRow row: Int) -> Range<Int> {
        let start = (row - piece.rows.lowerBound) * columns.count
        let present = (start..<start + columns.count).clamped(to: piece.bytes)
        let left = columns.lowerBound - start
        return present.lowerBound + left..<present.upperBound + left
    }

    /// Copies what a tile has of the piece into `buffer`, which holds the piece.
    func compose(_ index: Int, _ tile: [UInt8], into buffer: UnsafeMutableRawBufferPointer) {
        guard let base = buffer.baseAddress else { return }
        let area = grid.rectangle(index)
        unsafe tile.withUnsafeBytes { pixels in
            guard let source = pixels.baseAddress else { return }
            let (left, line) = (area.x * grid.pixelSize, area.width * grid.pixelSize)
            for row in rows.clamped(to: area.y..<area.y + area.height) {
                let present = bytes(ofRow: row).clamped(to: left..<left + line)
                guard !present.isEmpty else { continue }
                let place =
                    (row - piece.rows.lowerBound) * columns.count + present.lowerBound - columns.lowerBound
                    - piece.bytes.lowerBound
                unsafe memcpy(
                    base + place, source + (row - area.y) * line + present.lowerBound - left, present.count)
            }
        }
    }
}
