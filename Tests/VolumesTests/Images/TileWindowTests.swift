import Layouts
import Testing

@testable import Volumes

@Suite struct TileWindowTests {
    /// The places in the plane of all bytes of a piece, those beyond the plane as nil.
    private func places(_ piece: PlanePiece, _ grid: TileGrid) -> [(x: Int, y: Int)?] {
        piece.bytes.map { byte in
            let x = piece.columns.lowerBound + byte % piece.columns.count
            let y = piece.rows.lowerBound + byte / piece.columns.count
            return 0..<grid.width ~= x && 0..<grid.height ~= y ? (x, y) : nil
        }
    }

    private func check(_ piece: PlanePiece, _ grid: TileGrid) {
        let window = TileWindow(piece, grid)
        let places = places(piece, grid)
        let wanted = Set(places.compactMap { $0.map { $0.y / grid.side * grid.columns + $0.x / grid.side } }).sorted()
        #expect(window.tiles == wanted, "\(piece) in \(grid)")
        #expect(
            window.tileRanges.count <= 1
                || zip(window.tileRanges, window.tileRanges.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
        #expect(!window.isInside || !places.contains { $0 == nil })

        var buffer = [UInt8](repeating: 0, count: piece.bytes.count)
        for index in window.tiles {
            let area = grid.rectangle(index)
            let pixels = (0..<area.width * area.height).map { number in
                value(area.x + number % area.width, area.y + number / area.width)
            }
            buffer.withUnsafeMutableBytes { window.compose(index, pixels, into: $0) }
        }
        #expect(buffer == places.map { $0.map { value($0.x, $0.y) } ?? 0 }, "\(piece) in \(grid)")
    }

    private func value(_ x: Int, _ y: Int) -> UInt8 { UInt8(1 + (7 * x + 13 * y) % 251) }

    @Test func everyByteRangeOfASmallPlaneNeedsExactlyTheTilesThatItsBytesLieIn() {
        for (width, height, side) in [(7, 5, 2), (4, 4, 2), (5, 9, 3), (3, 7, 4), (1, 6, 2), (9, 1, 2)] {
            let grid = TileGrid(width: width, height: height, side: side)
            for low in 0..<width * height {
                for high in low + 1..<width * height + 1 {
                    check(PlanePiece(plane: 0, columns: 0..<width, rows: 0..<height, bytes: low..<high), grid)
                }
            }
        }
    }

    @Test func aRectangleThatReachesBeyondThePlaneNeedsTheTilesOfThePartInside() {
        let grid = TileGrid(width: 7, height: 5, side: 3)
        for (columns, rows) in [(0..<4, 0..<3), (2..<9, 1..<7), (5..<10, 3..<6), (7..<9, 0..<5), (3..<6, 5..<8)] {
            for low in 0..<columns.count * rows.count {
                for high in low + 1..<columns.count * rows.count + 1 {
                    check(PlanePiece(plane: 0, columns: columns, rows: rows, bytes: low..<high), grid)
                }
            }
        }
    }
}
