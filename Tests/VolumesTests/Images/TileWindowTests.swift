import Layouts
import Testing

@testable import Volumes

@Suite struct TileWindowTests {
    /// The bytes across the plane and the rows of all bytes of a piece, those beyond the plane as nil.
    private func places(_ piece: PlanePiece, _ grid: TileGrid) -> [(x: Int, y: Int)?] {
        let line = piece.columns.count * grid.pixelSize
        return piece.bytes.map { byte in
            let x = piece.columns.lowerBound * grid.pixelSize + byte % line
            let y = piece.rows.lowerBound + byte / line
            return 0..<grid.width * grid.pixelSize ~= x && 0..<grid.height ~= y ? (x, y) : nil
        }
    }

    private func check(_ piece: PlanePiece, _ grid: TileGrid) {
        let window = TileWindow(piece, grid)
        let places = places(piece, grid)
        let wanted = Set(
            places.compactMap { $0.map { $0.y / grid.side * grid.columns + $0.x / grid.pixelSize / grid.side } }
        ).sorted()
        #expect(window.tiles == wanted, "\(piece) in \(grid)")
        let ranges = window.tileRanges
        #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
        #expect(!window.isInside || !places.contains { $0 == nil })

        var buffer = [UInt8](repeating: 0, count: piece.bytes.count)
        for index in window.tiles {
            let area = grid.rectangle(index)
            let line = area.width * grid.pixelSize
            let pixels = (0..<line * area.height).map { value(area.x * grid.pixelSize + $0 % line, area.y + $0 / line) }
            buffer.withUnsafeMutableBytes { window.compose(index, pixels, into: $0) }
        }
        #expect(buffer == places.map { $0.map { value($0.x, $0.y) } ?? 0 }, "\(piece) in \(grid)")
    }

    private func value(_ x: Int, _ y: Int) -> UInt8 { UInt8(1 + (7 * x + 13 * y) % 251) }

    @Test func everyByteRangeOfASmallPlaneNeedsExactlyTheTilesThatItsBytesLieIn() {
        for (width, height, side, size) in [
            (7, 5, 2, 1), (4, 4, 2, 1), (5, 9, 3, 1), (3, 7, 4, 1), (1, 6, 2, 1), (9, 1, 2, 1), (5, 4, 2, 2),
        ] {
            let grid = TileGrid(width: width, height: height, side: side, pixelSize: size)
            for low in 0..<width * height * size {
                for high in low + 1..<width * height * size + 1 {
                    check(PlanePiece(plane: 0, columns: 0..<width, rows: 0..<height, bytes: low..<high), grid)
                }
            }
        }
    }

    @Test func aRectangleThatReachesBeyondThePlaneNeedsTheTilesOfThePartInside() {
        for size in [1, 2] {
            let grid = TileGrid(width: 7, height: 5, side: 3, pixelSize: size)
            for (columns, rows) in [(0..<4, 0..<3), (2..<9, 1..<7), (5..<10, 3..<6), (7..<9, 0..<5), (3..<6, 5..<8)] {
                let count = columns.count * rows.count * size
                for low in stride(from: 0, to: count, by: size) {
                    for high in stride(from: low + 1, through: count, by: 2 * size - 1) {
                        check(PlanePiece(plane: 0, columns: columns, rows: rows, bytes: low..<high), grid)
                    }
                }
            }
        }
    }
}
