package import Specimens

/// The images of a volume, all of one size and with the same bits: those of a stack in its frame, or a single one.
///
/// An array with an entry for each plane would be simpler, but every open file would have its own: 56 KB for 640 planes.
package enum PlaneImages: Sendable {
    /// All planes of a stack. One of another place, size or bits is a gap, as one that is missing.
    case stack(ImageStack)
    /// A single plane, in its own place and size.
    case plane(PlaneImage)

    /// Planes, those without an image among them.
    var depth: Int {
        switch self {
        case .stack(let stack): stack.depth
        case .plane: 1
        }
    }

    /// Images.
    var count: Int {
        switch self {
        case .stack(let stack): stack.depth - stack.gaps.count
        case .plane: 1
        }
    }

    /// The first image; nil where there is none. The others have its size and bits.
    var first: PlaneImage? { count == 0 ? nil : self[plane(at: 0)] }

    /// The image of a plane, counted from 0; nil for a gap and outside the volume.
    subscript(plane: Int) -> PlaneImage? {
        switch self {
        case .stack(let stack): stack.framedPlane(at: plane)
        case .plane(let image): plane == 0 ? image : nil
        }
    }

    /// How many images lie above that of a plane; nil where the plane has none.
    func place(of plane: Int) -> Int? {
        switch self {
        case .stack(let stack):
            stack.framedPlane(at: plane) == nil
                ? nil : plane - Self.first(of: stack.gaps.count) { stack.gaps[$0] > plane }
        case .plane: plane == 0 ? 0 : nil
        }
    }

    /// The plane of the image that has `place` images above it.
    ///
    /// - Parameter place: 0..<``count``.
    func plane(at place: Int) -> Int {
        switch self {
        // Of the planes above gap n, n are gaps themselves.
        case .stack(let stack): place + Self.first(of: stack.gaps.count) { stack.gaps[$0] - $0 > place }
        case .plane: 0
        }
    }

    /// The first of `count` numbers for which `condition` holds, as it then does for all later ones; `count` without one.
    private static func first(of count: Int, where condition: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if condition(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
