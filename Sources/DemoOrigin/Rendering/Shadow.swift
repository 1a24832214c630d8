/// The light that the tubes absorb, 0...255 a pixel. The darkest value wins, so that neither joints nor the drawing
/// order are visible.
struct Shadow {
    /// The part of the third dimension that is visible.
    enum Focus {
        /// One focal plane, at this depth in um.
        case plane(Float)
        /// Every tube in focus, as in a minimum projection.
        case everything
    }

    static func draw(
        _ index: TubeIndex, focus: Focus, region: PixelRect, into shadow: UnsafeMutablePointer<UInt8>
    ) {
        index.forEachBucket(in: region) { square, members in
            for member in members {
                unsafe draw(index.tubes[Int(member)], focus, square, region, shadow)
            }
        }
    }

    private static func draw(
        _ tube: Tube, _ focus: Focus, _ square: PixelRect, _ region: PixelRect, _ shadow: UnsafeMutablePointer<UInt8>
    ) {
        let radius = max(tube.aRadius, tube.bRadius)
        var reach = radius + 0.3
        var depth: Float?
        if case .plane(let z) = focus {
            let (low, high) = (min(tube.az, tube.bz), max(tube.az, tube.bz))
            let limit = Optics.cutOff * (0.7 + radius)
            guard z > low - radius - limit, z < high + radius + limit else { return }
            let farthest = min(max(abs(low - z), abs(high - z)), radius + limit)
            reach = radius + Optics.softness(radius, sunk: radius, outOfFocus: farthest)
            depth = z
        }
        let box = bounds(tube, reach).clipped(to: square)
        guard !box.isEmpty else { return }
        let sampler = TubeSampler(tube, depth: depth)
        for y in box.y..<box.y + box.height {
            let row = unsafe shadow + (y - region.y) * region.width - region.x
            for x in box.x..<box.x + box.width {
                let value = sampler.darkness(Float(x) * Optics.pixel, Float(y) * Optics.pixel)
                guard value > 0 else { continue }
                let level = UInt8(value * 255 + 0.5)
                if unsafe level > row[x] { unsafe row[x] = level }
            }
        }
    }

    private static func bounds(_ tube: Tube, _ reach: Float) -> PixelRect {
        let left = Int(((min(tube.ax, tube.bx) - reach) / Optics.pixel).rounded(.down))
        let right = Int(((max(tube.ax, tube.bx) + reach) / Optics.pixel).rounded(.up))
        let top = Int(((min(tube.ay, tube.by) - reach) / Optics.pixel).rounded(.down))
        let bottom = Int(((max(tube.ay, tube.by) + reach) / Optics.pixel).rounded(.up))
        return PixelRect(x: left, y: top, width: right - left + 1, height: bottom - top + 1)
    }
}

/// One tube, prepared for sampling at many points.
private struct TubeSampler {
    let tube: Tube
    let depth: Float?
    let dx: Float
    let dy: Float
    let dz: Float
    let inverseFlat: Float
    let inverseSolid: Float

    init(_ tube: Tube, depth: Float?) {
        self.tube = tube
        self.depth = depth
        dx = tube.bx - tube.ax
        dy = tube.by - tube.ay
        dz = tube.bz - tube.az
        let flat = dx * dx + dy * dy
        let solid = flat + dz * dz
        inverseFlat = flat > 1e-9 ? 1 / flat : 0
        inverseSolid = solid > 1e-9 ? 1 / solid : 0
    }

    /// The larger of two shadows. The nearest point of the axis in space decides where the plane cuts the tube. The
    /// nearest point in the projection decides the blur of parts off the plane.
    @inline(__always) func darkness(_ x: Float, _ y: Float) -> Float {
        let along = (x - tube.ax) * dx + (y - tube.ay) * dy
        let flat = min(max(along * inverseFlat, 0), 1)
        guard let depth else { return shade(x, y, flat, depth: nil) }
        let solid = min(max((along + (depth - tube.az) * dz) * inverseSolid, 0), 1)
        return max(shade(x, y, flat, depth: depth), shade(x, y, solid, depth: depth))
    }

    @inline(__always) private func shade(_ x: Float, _ y: Float, _ t: Float, depth: Float?) -> Float {
        let (offX, offY) = (x - (tube.ax + t * dx), y - (tube.ay + t * dy))
        let radius = tube.aRadius + t * (tube.bRadius - tube.aRadius)
        let off = depth.map { abs($0 - (tube.az + t * dz)) } ?? 0
        return Optics.darkness(radius: radius, depth: off, lateral: (offX * offX + offY * offY).squareRoot())
    }
}
