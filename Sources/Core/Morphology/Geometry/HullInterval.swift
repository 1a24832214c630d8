/// The intersection of a line with the hull of two balls, or of two discs.
///
/// The line is parallel to one axis. `low` > `high` when it misses the hull. The interval is the hull of three parts:
/// the intervals of the two balls, and the roots of the cone's quadratic between the touching circles.
struct HullInterval {
    /// First coordinate on the line, relative to A.
    private(set) var low = Double.infinity
    /// Last coordinate.
    private(set) var high = -Double.infinity

    /// The empty interval.
    @inline(__always) init() {}

    /// From `low` to `high`.
    init(low: Double, high: Double) {
        self.low = low
        self.high = high
    }

    /// Adds a ball at `offset` along the line. `reach` is its squared radius less the squared distance of its centre
    /// from the line.
    @inline(__always) mutating func add(ballAt offset: Double, reach: Double) {
        guard reach >= 0 else { return }
        let half = reach.squareRoot()
        low = min(low, offset - half)
        high = max(high, offset + half)
    }

    /// Adds the cone. `u` is the component of the axis along the line, `w0` the value of w at A's coordinate. `reachA`
    /// is as for ball A.
    ///
    /// With m = -reachA the surface is (c^2 - u^2) X^2 - 2 u w0 X + c^2 m - w0^2 = 0. Its discriminant is c^2 (w0^2 -
    /// (c^2 - u^2) m). The roots are computed in the form without cancellation.
    @inline(__always) mutating func add(
        coneAlong u: Double, w0: Double, reachA: Double, c: Double, c2: Double, wLimit: Double
    ) {
        let quadratic = c2 - u * u
        let discriminant = w0 * w0 + quadratic * reachA
        guard discriminant >= 0 else { return }
        let root = c * discriminant.squareRoot()
        let half = u * w0
        let sum = half >= 0 ? half + root : half - root
        add(root: sum / quadratic, u: u, w0: w0, wLimit: wLimit)
        add(root: -(c2 * reachA + w0 * w0) / sum, u: u, w0: w0, wLimit: wLimit)
    }

    /// Adds a root that lies between the touching circles. Infinities and NaN (a line parallel to the surface) fail the
    /// comparison.
    @inline(__always) private mutating func add(root x: Double, u: Double, w0: Double, wLimit: Double) {
        let w = u * x + w0
        guard w >= 0 && w <= wLimit else { return }
        low = min(low, x)
        high = max(high, x)
    }
}

/// The hull of two discs: a projection of a rounded cone. It gives exactly the rows that a plane of the cone can touch.
struct DiscHull {
    /// The coordinates of both centres, along the line and across it. When one disc contains the other, both centres
    /// are the larger disc's. So an interval is relative to `lineA`, and not to the solid's A.
    let lineA, fixedA, lineB, fixedB: Double
    /// Radii with tolerance and search margin.
    let ra, rb: Double
    /// Whether one disc contains the other; then A is the larger.
    let isDisc: Bool
    /// The unit axis: its component along the line and across it.
    let u, v: Double
    /// The same quantities as in `RoundedCone`.
    let s, c, c2, wLimit, length: Double

    init(lineA: Double, fixedA: Double, ra: Double, lineB: Double, fixedB: Double, rb: Double) {
        let du = lineB - lineA
        let dv = fixedB - fixedA
        let squared = du * du + dv * dv
        let difference = ra - rb
        let grown = RoundedCone.tolerance + RoundedCone.margin
        if squared <= difference * difference {
            let first = ra >= rb
            (self.lineA, self.fixedA, self.ra) = first ? (lineA, fixedA, ra + grown) : (lineB, fixedB, rb + grown)
            (self.lineB, self.fixedB, self.rb) = (self.lineA, self.fixedA, self.ra)
            isDisc = true
            (u, v, length) = (0, 0, 0)
            (s, c, c2, wLimit) = (0, 1, 1, 0)
        } else {
            (self.lineA, self.fixedA, self.ra) = (lineA, fixedA, ra + grown)
            (self.lineB, self.fixedB, self.rb) = (lineB, fixedB, rb + grown)
            isDisc = false
            length = squared.squareRoot()
            (u, v) = (du / length, dv / length)
            s = difference / length
            c2 = (squared - difference * difference) / squared
            c = c2.squareRoot()
            wLimit = length * c2
        }
    }

    /// The interval on the line at `fixed`, relative to `lineA`.
    @inline(__always) func interval(at fixed: Double) -> HullInterval {
        var interval = HullInterval()
        let dA = fixed - fixedA
        let reachA = ra * ra - dA * dA
        interval.add(ballAt: 0, reach: reachA)
        if isDisc { return interval }
        let dB = fixed - fixedB
        interval.add(ballAt: lineB - lineA, reach: rb * rb - dB * dB)
        interval.add(coneAlong: u, w0: v * dA - ra * s, reachA: reachA, c: c, c2: c2, wLimit: wLimit)
        return interval
    }
}

extension RoundedCone {
    /// The interval of the row at (y, z), search margin included, relative to `ax`.
    @inline(__always) func interval(y: Double, z: Double) -> HullInterval {
        var interval = HullInterval()
        let dyA = y - ay
        let dzA = z - az
        let outerA = self.outerA
        let reachA = outerA * outerA - (dyA * dyA + dzA * dzA)
        interval.add(ballAt: 0, reach: reachA)
        if isBall { return interval }
        let dyB = y - by
        let dzB = z - bz
        let outerB = self.outerB
        interval.add(ballAt: bx - ax, reach: outerB * outerB - (dyB * dyB + dzB * dzB))
        interval.add(
            coneAlong: ux, w0: uy * dyA + uz * dzA - outerA * s, reachA: reachA, c: c, c2: c2, wLimit: wLimit)
        return interval
    }
}

extension VoxelGrid {
    /// The least index whose coordinate, `(index + origin) * spacing`, is at least `value`; clipped to `0...limit`.
    @inline(__always) static func firstIndex(
        _ value: Double, inverse: Double, origin: Double, limit: Int
    ) -> Int {
        let exact = value * inverse - origin
        guard exact > 0 else { return 0 }
        guard exact < Double(limit) else { return limit }
        let truncated = Int(exact)
        return Double(truncated) < exact ? truncated + 1 : truncated
    }

    /// The greatest index whose coordinate is at most `value`, -1 when there is none; at most `limit` - 1.
    @inline(__always) static func lastIndex(
        _ value: Double, inverse: Double, origin: Double, limit: Int
    ) -> Int {
        let exact = value * inverse - origin
        guard exact >= 0 else { return -1 }
        guard exact < Double(limit) else { return limit - 1 }
        return Int(exact)
    }
}
