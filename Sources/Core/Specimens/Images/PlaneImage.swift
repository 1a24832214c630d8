/// One z plane of a stack.
package struct PlaneImage: Hashable, Sendable {
    /// The number of the picture in its source.
    package let imageID: Int
    /// The number of the plane in the microscope's series; it need not begin at 0.
    package let sectionNumber: Int
    /// Left edge in the full frame, px.
    package let x: Int
    /// Top edge in the full frame, px.
    package let y: Int
    /// Width, px, 1 to ``longestSide``.
    package let width: Int
    /// Height, px, 1 to ``longestSide``.
    package let height: Int
    /// Width of the full frame, px.
    package let frameWidth: Int
    /// Height of the full frame, px.
    package let frameHeight: Int
    /// Distance of two pixels in x, um.
    package let xSpacing: Double
    /// Distance of two pixels in y, um.
    package let ySpacing: Double
    /// Bits of a pixel, 8 or 16.
    package let bits: Int
    /// Whether the source says that the picture is bad.
    package let failed: Bool

    /// The longest side of a picture, px: the limit of JPEG.
    package static let longestSide = 65535

    /// A plane.
    package init(
        imageID: Int, sectionNumber: Int, x: Int, y: Int, width: Int, height: Int, frameWidth: Int, frameHeight: Int,
        xSpacing: Double, ySpacing: Double, bits: Int = 8, failed: Bool = false
    ) {
        self.imageID = imageID
        self.sectionNumber = sectionNumber
        self.x = x
        self.y = y
        self.width = width
        self.height = height
        self.frameWidth = frameWidth
        self.frameHeight = frameHeight
        self.xSpacing = xSpacing
        self.ySpacing = ySpacing
        self.bits = bits
        self.failed = failed
    }
}
