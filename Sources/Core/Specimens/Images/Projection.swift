/// A projection of the whole stack.
package struct Projection: Hashable, Sendable {
    /// The plane projected onto.
    package enum Axes: String, Sendable, CaseIterable {
        /// Seen along z.
        case xy
        /// Seen along x; width is depth in units of the pixel spacing.
        case yz
    }

    /// What is kept of the values along the line of sight.
    package enum Function: String, Sendable, CaseIterable {
        /// The darkest.
        case min
        /// The brightest.
        case max
    }

    /// The number of the picture in its source.
    package let imageID: Int
    /// The plane projected onto.
    package let axes: Axes
    /// What is kept along the line of sight.
    package let function: Function
    /// Left edge in the full frame, px.
    package let x: Int
    /// Top edge in the full frame, px.
    package let y: Int
    /// Width, px.
    package let width: Int
    /// Height, px.
    package let height: Int

    /// For example `min_xy.jpg`.
    package var fileName: String { "\(function.rawValue)_\(axes.rawValue).jpg" }

    /// A projection.
    package init(imageID: Int, axes: Axes, function: Function, x: Int, y: Int, width: Int, height: Int) {
        self.imageID = imageID
        self.axes = axes
        self.function = function
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }
}
