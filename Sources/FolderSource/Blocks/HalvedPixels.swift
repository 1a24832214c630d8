internal import Specimens

/// Pixels of a rectangle, row by row, and how they are halved for the levels of a pyramid.
struct HalvedPixels {
    private(set) var width: Int
    private(set) var height: Int
    /// One byte a pixel, or two, little-endian.
    private(set) var bytes: [UInt8]
    /// 1 or 2.
    private let size: Int

    /// - Parameters:
    ///   - width: px, 1 or more.
    ///   - height: px, 1 or more.
    ///   - bits: of a pixel, 8 or 16.
    init(_ bytes: [UInt8], width: Int, height: Int, bits: Int) {
        self.bytes = bytes
        self.width = width
        self.height = height
        size = bits / 8
    }

    /// The rectangle of full resolution of which `halvings` make `frame`.
    ///
    /// - Parameters:
    ///   - width: of the plane, px of full resolution. The pixels of the right edge lack a neighbour where it is odd.
    ///   - height: of the plane.
    static func source(
        of frame: SourceObject.Frame, halvings: Int, width: Int, height: Int
    ) -> SourceObject.Frame {
        let (x, y) = (frame.x << halvings, frame.y << halvings)
        return SourceObject.Frame(
            x: x, y: y, width: min(frame.width << halvings, width - x),
            height: min(frame.height << halvings, height - y))
    }

    /// Makes each pixel the mean of the 2 x 2 that it takes the place of, rounded half up; at an odd edge the mean of those
    /// that exist.
    mutating func halve() {
        let (newWidth, newHeight) = ((width + 1) / 2, (height + 1) / 2)
        var halved = [UInt8](repeating: 0, count: newWidth * newHeight * size)
        for y in 0..<newHeight {
            let rows = 2 * y + 1 < height ? 2 : 1
            for x in 0..<newWidth {
                let columns = 2 * x + 1 < width ? 2 : 1
                var sum = 0
                for row in 2 * y..<2 * y + rows {
                    for column in 2 * x..<2 * x + columns { sum += value(row * width + column) }
                }
                let count = rows * columns
                let mean = (sum + count / 2) / count
                let place = (y * newWidth + x) * size
                halved[place] = UInt8(truncatingIfNeeded: mean)
                if size == 2 { halved[place + 1] = UInt8(truncatingIfNeeded: mean >> 8) }
            }
        }
        (bytes, width, height) = (halved, newWidth, newHeight)
    }

    private func value(_ pixel: Int) -> Int {
        size == 1 ? Int(bytes[pixel]) : Int(bytes[2 * pixel]) | Int(bytes[2 * pixel + 1]) << 8
    }
}
