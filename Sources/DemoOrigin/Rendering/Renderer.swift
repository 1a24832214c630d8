import Support

/// Renders planes and projections of a world's cells.
struct Renderer: Sendable {
    let world: World
    private let indices = LRU<TubeIndex>(capacity: 4)

    init(world: World) { self.world = world }

    /// A view of a cell: its tubes, the focus, and the field.
    private struct View {
        var index: TubeIndex?
        var focus = Shadow.Focus.everything
        var texture: Texture
    }

    /// Grey pixels of a region, row-major.
    func render(_ image: ImageReference, _ region: PixelRect) throws -> [UInt8] {
        let view = try view(image)
        let count = region.width * region.height
        var shadow = [UInt8](repeating: 0, count: view.index == nil ? 0 : count)
        if let index = view.index {
            unsafe shadow.withUnsafeMutableBufferPointer { buffer in
                if let base = buffer.baseAddress {
                    unsafe Shadow.draw(index, focus: view.focus, region: region, into: base)
                }
            }
        }
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { pixels, initialized in
            unsafe shadow.withUnsafeBufferPointer { shadow in
                unsafe Self.compose(view.texture, region, shadow.isEmpty ? nil : shadow.baseAddress, pixels)
            }
            initialized = count
        }
    }

    private static func compose(
        _ texture: Texture, _ region: PixelRect, _ shadow: UnsafePointer<UInt8>?,
        _ pixels: UnsafeMutableBufferPointer<UInt8>
    ) {
        guard let output = pixels.baseAddress else { return }
        unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: region.width) { row in
            guard let field = row.baseAddress else { return }
            for y in 0..<region.height {
                unsafe texture.fill(field, x: region.x, y: region.y + y, count: region.width)
                let start = y * region.width
                if let shadow = unsafe shadow {
                    for x in 0..<region.width {
                        let light = unsafe 256 &- Int32(shadow[start &+ x])
                        let grey = unsafe (field[x] >> 4 &* light) >> 12
                        unsafe output[start &+ x] = UInt8(truncatingIfNeeded: min(max(grey, 0), 255))
                    }
                } else {
                    for x in 0..<region.width {
                        unsafe output[start &+ x] = UInt8(truncatingIfNeeded: min(max(field[x] >> 8, 0), 255))
                    }
                }
            }
        }
    }

    private func view(_ image: ImageReference) throws -> View {
        switch image {
        case .plane(let cell, let stack, let position):
            let plane = stack.sections[position] - stack.firstSection
            return View(
                index: try index(cell, stack, side: false), focus: .plane(Float(Double(plane) * Imaging.plane)),
                texture: Texture(seed: cell.id, variant: plane))
        case .projection(let cell, let stack, let projection):
            var texture = Texture(seed: cell.id, variant: -1 - projection.rawValue)
            texture.level += projection.isMinimum ? -12 : 18
            guard projection.isMinimum else { return View(index: nil, texture: texture) }
            return View(index: try index(cell, stack, side: projection.isSide), texture: texture)
        }
    }

    private func index(_ cell: Cell, _ stack: Stack, side: Bool) throws -> TubeIndex {
        try indices.value(cell.id * 2 + (side ? 1 : 0)) {
            let tubes = try world.skeleton(cell).tubes
            guard side else { return TubeIndex(tubes, width: stack.frameWidth, height: stack.frameHeight) }
            let lead = Float(Double(stack.yzLead) * Imaging.plane)
            let turned = tubes.map { tube in
                var tube = tube.turnedSideways
                tube.ax += lead
                tube.bx += lead
                return tube
            }
            return TubeIndex(turned, width: stack.yzWidth, height: stack.frameHeight)
        }
    }
}
