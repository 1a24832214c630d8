/// The bright field behind the neuron: slow shading, mottled tissue and fine grain. It uses integer arithmetic on
/// absolute pixel coordinates, so that a pixel is the same in every tile.
struct Texture {
    /// The mean grey of the field in a real plane (docs/DATA.md 7: the mean of the image is 197).
    var level: Int32 = 197

    private struct Layer {
        /// Lattice spacing: 2^shift px.
        var shift: Int
        /// Largest deviation in grey levels.
        var amplitude: Int32
        var seed: UInt32
        /// Smoothstep weights within a lattice cell, 0...256.
        var weights: [Int32]

        init(shift: Int, amplitude: Int32, seed: UInt32) {
            self.shift = shift
            self.amplitude = amplitude
            self.seed = seed
            let side = 1 << shift
            weights = (0..<side).map { index in
                let t = (Double(index) + 0.5) / Double(side)
                return Int32((256 * t * t * (3 - 2 * t)).rounded())
            }
        }

        /// Value at a lattice point, in 1/256 grey levels.
        func value(_ column: Int, _ row: Int) -> Int32 {
            let hash = Texture.hash(
                UInt32(truncatingIfNeeded: column) &* 0x9E37_79B1 ^ UInt32(truncatingIfNeeded: row) &* 0x85EB_CA77
                    ^ seed)
            return (Int32(hash & 0x1FF) - 256) * amplitude
        }
    }

    private let layers: [Layer]
    private let grainSeed: UInt32
    private let grain: Int32

    /// - Parameter variant: The plane. Mottling and grain differ between planes; shading does not.
    init(seed: Int, variant: Int) {
        let base = Self.hash(UInt32(truncatingIfNeeded: seed))
        let own = Self.hash(base ^ UInt32(truncatingIfNeeded: variant) &* 0xC2B2_AE3D)
        layers = [
            Layer(shift: 9, amplitude: 12, seed: base), Layer(shift: 5, amplitude: 6, seed: own),
            Layer(shift: 3, amplitude: 4, seed: own &+ 1),
        ]
        grainSeed = own &+ 2
        grain = 3
    }

    /// A bijective mix of 32 bits.
    @inline(__always) static func hash(_ value: UInt32) -> UInt32 {
        var value = value
        value = (value ^ value >> 16) &* 0x7FEB_352D
        value = (value ^ value >> 15) &* 0x846C_A68B
        return value ^ value >> 16
    }

    /// Grey levels of `count` pixels from `x` on in row `y`, in 1/256.
    func fill(_ row: UnsafeMutablePointer<Int32>, x: Int, y: Int, count: Int) {
        let rowSeed = grainSeed ^ UInt32(truncatingIfNeeded: y) &* 0x27D4_EB2F
        let mean = level << 8
        for index in 0..<count {
            let hash = Self.hash(UInt32(truncatingIfNeeded: x &+ index) &* 0x9E37_79B1 ^ rowSeed)
            // The sum of two random bytes has a triangular distribution; less 255 it is centred at 0.
            let noise = Int32(truncatingIfNeeded: hash & 0xFF) &+ Int32(truncatingIfNeeded: hash >> 8 & 0xFF) &- 255
            unsafe row[index] = mean &+ noise &* grain
        }
        for layer in layers { unsafe add(layer, to: row, x: x, y: y, count: count) }
    }

    private func add(_ layer: Layer, to row: UnsafeMutablePointer<Int32>, x: Int, y: Int, count: Int) {
        let side = 1 << layer.shift
        let lattice = y >> layer.shift
        let down = layer.weights[y & (side - 1)]
        func column(_ index: Int) -> Int32 {
            let (top, bottom) = (layer.value(index, lattice), layer.value(index, lattice + 1))
            return top &+ ((bottom &- top) &* down) >> 8
        }
        unsafe layer.weights.withUnsafeBufferPointer { weights in
            var index = 0
            var cell = x >> layer.shift
            var left = column(cell)
            while index < count {
                let right = column(cell + 1)
                let start = (x + index) & (side - 1)
                let run = min(side - start, count - index)
                let slope = right &- left
                for step in 0..<run {
                    unsafe row[index &+ step] =
                        row[index &+ step] &+ left &+ (slope &* weights[start &+ step]) >> 8
                }
                index += run
                cell += 1
                left = right
            }
        }
    }
}
