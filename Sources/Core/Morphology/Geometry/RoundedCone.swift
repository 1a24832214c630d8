/// The convex hull of two balls: one edge of a skeleton. When both balls are equal, it is one ball.
///
/// Let u be the unit axis from A to B, L its length, s = (ra - rb) / L and c = sqrt(1 - s^2). Let q = p - A and h = q .
/// u for a point p. The point belongs to the hull of balls of radii ra and rb when it is in one of the balls, or when
///
///     w = h - ra s,   0 <= w <= L c^2   and   c^2 (|q|^2 - ra^2) <= w^2
///
/// This is the cone between the two circles where it touches the balls. (It follows from the signed distance rho c + s
/// h - ra of the lateral surface, with rho^2 = |q|^2 - h^2. The touching circles are at w = 0 and w = L c^2.) Growing
/// both radii by the same amount does not change s and c. The tolerance and the search margin below are added in this
/// way.
struct RoundedCone {
    /// A voxel centre is inside up to this signed distance, um. Real files have nodes on voxel centres with whole-pixel
    /// radii. Without the tolerance, rounding would decide such ties.
    static let tolerance = 1e-6
    /// Extra radius, um, of the solid whose intervals are computed before the exact test settles their ends. It is far
    /// above the rounding errors of those computations and far below the size of a voxel.
    static let margin = 1e-5

    /// Centre of ball A, um. A single ball has its centre here.
    let ax, ay, az: Double
    /// Centre of ball B, um.
    let bx, by, bz: Double
    /// Radii, um, without tolerance.
    let ra, rb: Double
    /// Whether one ball contains the other. Then A is the larger ball, and B equals it.
    let isBall: Bool
    /// Unit axis from A to B.
    let ux, uy, uz: Double
    /// The length of the axis, um.
    let length: Double
    /// The angle of the cone: s and c of the formula above, c squared, and the upper bound of w.
    let s, c, c2, wLimit: Double
    /// The value to paint.
    let value: UInt16
    /// The same hull projected along x on the (y, z) plane, where it is the hull of two discs.
    let shadow: DiscHull

    init(
        ax: Double, ay: Double, az: Double, ra: Double, bx: Double, by: Double, bz: Double, rb: Double, value: UInt16
    ) {
        let dx = bx - ax
        let dy = by - ay
        let dz = bz - az
        let squared = dx * dx + dy * dy + dz * dz
        let difference = ra - rb
        self.value = value
        if squared <= difference * difference {
            let first = ra >= rb
            (self.ax, self.ay, self.az, self.ra) = first ? (ax, ay, az, ra) : (bx, by, bz, rb)
            (self.bx, self.by, self.bz, self.rb) = (self.ax, self.ay, self.az, self.ra)
            isBall = true
            (ux, uy, uz, length) = (0, 0, 0, 0)
            (s, c, c2, wLimit) = (0, 1, 1, 0)
        } else {
            (self.ax, self.ay, self.az, self.ra) = (ax, ay, az, ra)
            (self.bx, self.by, self.bz, self.rb) = (bx, by, bz, rb)
            isBall = false
            let length = squared.squareRoot()
            self.length = length
            (ux, uy, uz) = (dx / length, dy / length, dz / length)
            s = difference / length
            c2 = (squared - difference * difference) / squared
            c = c2.squareRoot()
            wLimit = length * c2
        }
        shadow = DiscHull(
            lineA: self.ay, fixedA: self.az, ra: self.ra, lineB: self.by, fixedB: self.bz, rb: self.rb)
    }

    /// A single ball.
    init(x: Double, y: Double, z: Double, radius: Double, value: UInt16) {
        self.init(ax: x, ay: y, az: z, ra: radius, bx: x, by: y, bz: z, rb: radius, value: value)
    }

    /// The hull grown by `amount` um.
    func grown(by amount: Double) -> RoundedCone {
        RoundedCone(
            ax: ax, ay: ay, az: az, ra: ra + amount, bx: bx, by: by, bz: bz, rb: rb + amount, value: value)
    }

    /// The box around the hull, search margin included.
    var xRange: ClosedRange<Double> { min(ax - outerA, bx - outerB)...max(ax + outerA, bx + outerB) }
    var yRange: ClosedRange<Double> { min(ay - outerA, by - outerB)...max(ay + outerA, by + outerB) }
    var zRange: ClosedRange<Double> { min(az - outerA, bz - outerB)...max(az + outerA, bz + outerB) }

    /// Radii with tolerance and search margin.
    @inline(__always) var outerA: Double { ra + (Self.tolerance + Self.margin) }
    @inline(__always) var outerB: Double { rb + (Self.tolerance + Self.margin) }

    /// The exact test: whether the signed distance of the point is at most the tolerance.
    func contains(x: Double, y: Double, z: Double) -> Bool {
        ConeRow(self, y: y, z: z).contains(x)
    }

    /// The signed distance, um, of a point to the surface, negative inside. It is the least |p - c(t)| - r(t) over the
    /// balls along the edge, which is exact on both sides of the surface.
    @inline(__always) func signedDistance(x: Double, y: Double, z: Double) -> Double {
        let qx = x - ax
        let qy = y - ay
        let qz = z - az
        let squared = qx * qx + qy * qy + qz * qz
        if isBall { return squared.squareRoot() - ra }
        let h = qx * ux + qy * uy + qz * uz
        let rho = max(0, squared - h * h).squareRoot()
        // The nearest ball lies at t = h - rho s / c.
        let t = h * c - rho * s
        if t <= 0 { return squared.squareRoot() - ra }
        if t >= length * c { return ((h - length) * (h - length) + rho * rho).squareRoot() - rb }
        return rho * c + s * h - ra
    }
}

/// One row (fixed y and z) through a rounded cone.
struct ConeRow {
    private let ax, bx, ux: Double
    private let isBall: Bool
    /// Squared distances of the row's line from A and B.
    private let kA, kB: Double
    /// Squared radii with tolerance.
    private let a2, b2: Double
    /// w of the row's point at x = ax, and the bound of w.
    private let w0, wLimit, c2: Double

    @inline(__always) init(_ cone: borrowing RoundedCone, y: Double, z: Double) {
        let dyA = y - cone.ay
        let dzA = z - cone.az
        let dyB = y - cone.by
        let dzB = z - cone.bz
        let radiusA = cone.ra + RoundedCone.tolerance
        let radiusB = cone.rb + RoundedCone.tolerance
        ax = cone.ax
        bx = cone.bx
        ux = cone.ux
        isBall = cone.isBall
        kA = dyA * dyA + dzA * dzA
        kB = dyB * dyB + dzB * dzB
        a2 = radiusA * radiusA
        b2 = radiusB * radiusB
        c2 = cone.c2
        wLimit = cone.wLimit
        w0 = cone.uy * dyA + cone.uz * dzA - radiusA * cone.s
    }

    /// The exact test of the row's point at `x`.
    @inline(__always) func contains(_ x: Double) -> Bool {
        let qa = x - ax
        let outsideA = qa * qa + kA - a2
        if outsideA <= 0 { return true }
        if isBall { return false }
        let qb = x - bx
        if qb * qb + kB <= b2 { return true }
        let w = ux * qa + w0
        return w >= 0 && w <= wLimit && c2 * outsideA <= w * w
    }
}
