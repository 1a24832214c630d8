/// A rounded cone cut by the thickness of a plane and projected along z. A voxel belongs to it when any point of the
/// voxel's z interval, at the voxel's centre in x and y, is inside the cone.
///
/// All formulas rest on convexity. The minimum over the interval is at the unconstrained minimum, clamped to the
/// interval.
struct ConeSlab {
    private let solid: RoundedCone
    private let z: ClosedRange<Double>
    /// The axis in the (x, y) plane, not normalised, and its squared length.
    private let dx, dy, flat2: Double
    private let difference: Double

    init(_ solid: RoundedCone, z: ClosedRange<Double>) {
        self.solid = solid
        self.z = z
        dx = solid.bx - solid.ax
        dy = solid.by - solid.ay
        flat2 = dx * dx + dy * dy
        difference = solid.ra - solid.rb
    }

    private func clamped(_ value: Double) -> Double { min(max(value, z.lowerBound), z.upperBound) }

    /// The rows that the cut solid can touch, relative to `solid.shadow.lineA`, search margin included. The extreme
    /// rows of the whole solid are at the poles of its balls.
    var rows: HullInterval {
        let top = solid.ay - solid.outerA <= solid.by - solid.outerB ? solid.az : solid.bz
        let bottom = solid.ay + solid.outerA >= solid.by + solid.outerB ? solid.az : solid.bz
        return HullInterval(
            low: solid.shadow.interval(at: clamped(top)).low, high: solid.shadow.interval(at: clamped(bottom)).high)
    }

    /// The columns of the cut solid on the row at `y`, relative to `solid.ax`, search margin included.
    func columns(y: Double) -> HullInterval {
        guard let contacts = contacts(y: y) else { return HullInterval() }
        return HullInterval(
            low: solid.interval(y: y, z: clamped(contacts.low)).low,
            high: solid.interval(y: y, z: clamped(contacts.high)).high)
    }

    /// The z of the least and the greatest x of the whole solid on the row at `y`; `nil` when the row misses the solid.
    private func contacts(y: Double) -> (low: Double, high: Double)? {
        let outline = DiscHull(
            lineA: solid.ax, fixedA: solid.ay, ra: solid.ra, lineB: solid.bx, fixedB: solid.by, rb: solid.rb)
        let interval = outline.interval(at: y)
        guard interval.low <= interval.high else { return nil }
        return (
            nearestZ(x: outline.lineA + interval.low, y: y), nearestZ(x: outline.lineA + interval.high, y: y)
        )
    }

    /// The z of the ball along the edge that is nearest to the vertical line at (x, y).
    private func nearestZ(x: Double, y: Double) -> Double {
        guard flat2 > difference * difference else { return difference >= 0 ? solid.az : solid.bz }
        let flat = flat2.squareRoot()
        let qx = x - solid.ax
        let qy = y - solid.ay
        let along = (qx * dx + qy * dy) / flat
        let across = abs(qx * dy - qy * dx) / flat
        let slope = difference / (flat2 - difference * difference).squareRoot()
        let fraction = min(max((along - across * slope) / flat, 0), 1)
        return solid.az + fraction * (solid.bz - solid.az)
    }

    /// The exact test: whether a point (x, y, z) of the slab is inside.
    func contains(x: Double, y: Double) -> Bool {
        solid.contains(x: x, y: y, z: clamped(nearestZ(x: x, y: y)))
    }
}
