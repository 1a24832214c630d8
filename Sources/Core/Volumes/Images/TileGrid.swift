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
    /// Bytes of a pixel, 1 or 2.
    package let pixelSize: Int

    /// A grid over a plane of `width` x `height` px.
    package init(width: Int, height: Int, side: Int = TileGrid.defaultSide, pixelSize: Int = 1) {
        self.width = width
        self.height = height
        self.side = side
        self.pixelSize = pixelSize
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
}
