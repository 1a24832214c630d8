/// How a plane of the image service is cut into requests: fixed square tiles from its top left corner.
///
/// The side is a multiple of 16 px, the size of a 4:2:0 JPEG's coding unit, so that the blocks of a tile's JPEG lie as
/// those of the whole plane's and the file's bytes do not depend on the order of reads.
package struct TileGrid: Hashable, Sendable {
    /// Side of a tile in px. 512 by measurement (docs/BENCHMARKS.md): a random 512 px crop fetches 4 tiles at most, a
    /// whole 10k x 10k plane 400.
    package static let defaultSide = 512

    /// Width of the plane, px.
    package let width: Int
    /// Height of the plane, px.
    package let height: Int
    /// Side of a tile, px.
    package let side: Int

    /// A grid over a plane of `width` x `height` px.
    package init(width: Int, height: Int, side: Int = TileGrid.defaultSide) {
        self.width = width
        self.height = height
        self.side = side
    }

    /// Tiles side by side.
    package var columns: Int { (width + side - 1) / side }
    /// Tiles one above the other.
    package var rows: Int { (height + side - 1) / side }

    /// The rectangle of tile `index` (row by row), px from the plane's top left corner.
    package func rectangle(_ index: Int) -> (x: Int, y: Int, width: Int, height: Int) {
        let x = index % columns * side
        let y = index / columns * side
        return (x, y, min(side, width - x), min(side, height - y))
    }

    /// The tiles that hold any of the bytes `range` of the plane stored row by row, one byte a pixel, in ascending
    /// order.
    package func tiles(covering range: Range<Int>) -> [Int] {
        guard !range.isEmpty else { return [] }
        let firstRow = range.lowerBound / width
        let lastRow = (range.upperBound - 1) / width
        let firstColumn = range.lowerBound % width / side
        let lastColumn = (range.upperBound - 1) % width / side
        let bands = firstRow / side...lastRow / side
        if firstRow == lastRow {
            return (firstColumn...lastColumn).map { bands.lowerBound * columns + $0 }
        }
        // Two rows may leave a gap in the middle: the end of one and the start of the next.
        if lastRow == firstRow + 1, bands.count == 1, lastColumn + 1 < firstColumn {
            let band = bands.lowerBound * columns
            return (0...lastColumn).map { band + $0 } + (firstColumn..<columns).map { band + $0 }
        }
        return bands.flatMap { band -> [Int] in
            // A band touched by one row only, the first or the last, needs that row's columns only.
            let low = band == bands.lowerBound && (band + 1) * side == firstRow + 1 ? firstColumn : 0
            let high = band == bands.upperBound && band * side == lastRow ? lastColumn : columns - 1
            return (low...max(low, high)).map { band * columns + $0 }
        }
    }
}
