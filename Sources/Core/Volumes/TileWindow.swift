internal import Layouts
internal import SpecimenData

/// The part of a plane of images that a piece shows, and the tiles that it lies in.
struct TileWindow: Sendable {
    private let piece: PlanePiece
    private let grid: TileGrid
    /// The rows of the plane that the piece has bytes of.
    private let rows: Range<Int>
    /// The columns of the plane that the piece has bytes of.
    private let columns: Range<Int>

    init(_ piece: PlanePiece, _ grid: TileGrid) {
        self.piece = piece
        self.grid = grid
        let line = piece.columns.count
        let (first, start) = piece.bytes.lowerBound.quotientAndRemainder(dividingBy: line)
        let (last, end) = (piece.bytes.upperBound - 1).quotientAndRemainder(dividingBy: line)
        rows = (piece.rows.lowerBound + first..<piece.rows.lowerBound + last + 1).clamped(to: 0..<grid.height)
        let left = piece.columns.lowerBound
        columns = (first == last ? left + start..<left + end + 1 : piece.columns).clamped(to: 0..<grid.width)
    }

    /// The bytes of the whole plane that a piece has, where these follow each other in it too: the piece is as wide as the
    /// plane and does not leave it. Nil for any other piece.
    static func planeBytes(of piece: PlanePiece, _ grid: TileGrid) -> Range<Int>? {
        guard piece.columns == 0..<grid.width, piece.rows.lowerBound >= 0, piece.rows.upperBound <= grid.height else {
            return nil
        }
        let start = piece.rows.lowerBound * grid.width
        return start + piece.bytes.lowerBound..<start + piece.bytes.upperBound
    }

    /// The tiles, as ranges of their numbers: one for each row of tiles, or one for all when they have every column.
    var tileRanges: [Range<Int>] {
        guard !rows.isEmpty, !columns.isEmpty else { return [] }
        let bands = rows.lowerBound / grid.side..<(rows.upperBound - 1) / grid.side + 1
        let across = columns.lowerBound / grid.side..<(columns.upperBound - 1) / grid.side + 1
        if across.count == grid.columns { return [bands.lowerBound * grid.columns..<bands.upperBound * grid.columns] }
        return bands.map { $0 * grid.columns + across.lowerBound..<$0 * grid.columns + across.upperBound }
    }

    /// The numbers of the tiles, ascending.
    var tiles: [Int] { tileRanges.flatMap(\.self) }

    /// Fills `buffer` with the bytes of the piece, given the pixels of its tiles. What lies beyond the plane is 0.
    func compose(_ tiles: [Int], _ pixels: [[UInt8]], into buffer: UnsafeMutableRawBufferPointer) {
        let isInside =
            piece.columns.clamped(to: 0..<grid.width) == piece.columns
            && piece.rows.clamped(to: 0..<grid.height) == piece.rows
        if !isInside { unsafe buffer.zero() }
        for (index, tile) in zip(tiles, pixels) {
            let area = grid.rectangle(index)
            let across = columns.clamped(to: area.x..<area.x + area.width)
            for row in rows.clamped(to: area.y..<area.y + area.height) {
                // Places in the buffer; the first and the last row may lie in it in part.
                let start =
                    (row - piece.rows.lowerBound) * piece.columns.count + across.lowerBound - piece.columns.lowerBound
                    - piece.bytes.lowerBound
                let inside = (start..<start + across.count).clamped(to: 0..<buffer.count)
                guard !inside.isEmpty else { continue }
                let source = (row - area.y) * area.width + across.lowerBound - area.x + inside.lowerBound - start
                unsafe tile.withUnsafeBytes { tile in
                    unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[inside])
                        .copyMemory(
                            from: UnsafeRawBufferPointer(rebasing: tile[source..<source + inside.count]))
                }
            }
        }
    }
}
