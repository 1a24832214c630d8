import Testing

@testable import Volumes

@Suite struct TileGridTests {
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
