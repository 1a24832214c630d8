/// How a stained tube darkens the field: fully where the focal plane cuts it, and more blurred and fainter with growing
/// distance of the plane.
///
/// Shapes and constants are chosen by eye after real planes. Those are dark in focus, and a thin neurite is invisible
/// about 6 um away. They are no model of the microscope.
enum Optics {
    static let pixel = Float(Imaging.pixel)
    /// The share of the light that a tube in focus absorbs.
    static let darkest: Float = 0.62
    /// A tube is invisible when it is out of focus by this many times (0.7 um + radius).
    static let cutOff: Float = 7

    /// The largest distance from the axis, in micrometres, at which a tube of a radius can darken the field.
    static func farthestReach(_ radius: Float) -> Float {
        radius + softness(radius, sunk: radius, outOfFocus: cutOff * (0.7 + radius)) + pixel
    }

    /// The width of the edge in um. `sunk` is the part of the radius that the plane misses. `outOfFocus` is the
    /// distance of the plane from the surface of the tube.
    @inline(__always) static func softness(_ radius: Float, sunk: Float, outOfFocus: Float) -> Float {
        0.3 + 0.8 * sunk + 0.4 * outOfFocus
    }

    /// The share of the light that a tube of `radius` absorbs at `lateral` um beside its axis, when the axis is `depth`
    /// um off the plane.
    @inline(__always) static func darkness(radius: Float, depth: Float, lateral: Float) -> Float {
        let cut = depth < radius ? (radius * radius - depth * depth).squareRoot() : 0
        let outOfFocus = max(0, depth - radius)
        let soft = softness(radius, sunk: radius - cut, outOfFocus: outOfFocus)
        let beyond = lateral - cut
        guard beyond < soft else { return 0 }
        let ratio = outOfFocus / (0.7 + radius)
        let floor = 1 / (1 + cutOff * cutOff)
        let strength = darkest * max(0, (1 / (1 + ratio * ratio) - floor) / (1 - floor))
        guard beyond > 0 else { return strength }
        let u = beyond / soft
        let fall = 1 - u * u
        return strength * fall * fall
    }
}
