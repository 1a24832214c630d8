/// How a stained tube darkens the field: fully where the focal plane cuts it, blurred and fainter the farther the plane.
///
/// Shapes and constants are chosen by eye after real planes (dark in focus, gone some 6 um away for a thin neurite);
/// they are no model of the microscope.
enum Optics {
    static let pixel = Float(Imaging.pixel)
    /// Share of the light that a tube in focus takes.
    static let darkest: Float = 0.62
    /// Out of focus by this many times (0.7 um + radius), a tube is invisible.
    static let cutOff: Float = 7

    /// Micrometres around the axis that a tube of a radius can darken at all.
    static func farthestReach(_ radius: Float) -> Float {
        radius + softness(radius, sunk: radius, outOfFocus: cutOff * (0.7 + radius)) + pixel
    }

    /// Width of the edge in um. `sunk` is how much of the radius the plane misses, `outOfFocus` its distance from the
    /// surface of the tube.
    @inline(__always) static func softness(_ radius: Float, sunk: Float, outOfFocus: Float) -> Float {
        0.3 + 0.8 * sunk + 0.4 * outOfFocus
    }

    /// Share of light taken at `lateral` um beside the axis by a tube of `radius` whose axis is `depth` um off the plane.
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
