import Testing

@testable import SpecimenData

@Suite struct TileGridTests {
    /// The tiles of a byte range by looking at every byte.
    private func bruteForce(_ grid: TileGrid, _ range: Range<Int>) -> [Int] {
        Set(range.map { $0 / grid.width / grid.side * grid.columns + $0 % grid.width / grid.side }).sorted()
    }

    @Test func everyByteRangeOfSmallPlanesNeedsExactlyTheTilesThatItsBytesLieIn() {
        for (width, height, side) in [(7, 5, 2), (4, 4, 2), (5, 9, 3), (3, 7, 4), (1, 6, 2), (9, 1, 2)] {
            let grid = TileGrid(width: width, height: height, side: side)
            for low in 0..<width * height {
                for high in low..<width * height + 1 {
                    #expect(
                        grid.tiles(covering: low..<high) == bruteForce(grid, low..<high), "\(grid) \(low)..<\(high)")
                }
            }
        }
    }

    @Test func rectanglesOfAllTilesCoverThePlaneOnce() {
        let grid = TileGrid(width: 1300, height: 700)
        var covered = [UInt8](repeating: 0, count: grid.width * grid.height)
        for index in 0..<grid.columns * grid.rows {
            let tile = grid.rectangle(index)
            for y in tile.y..<tile.y + tile.height {
                for x in tile.x..<tile.x + tile.width { covered[y * grid.width + x] += 1 }
            }
        }
        #expect(covered.allSatisfy { $0 == 1 })
    }
}
