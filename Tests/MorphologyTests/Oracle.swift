import Glibc
import Morphology

/// The labels, evaluated from their definition. This code shares nothing with the engine.
///
/// A rounded cone is the union of the balls along an edge whose radius changes linearly. So a point is inside when the
/// least |p - c(t)| - r(t) over t in 0...1 is at most 1e-6 um. That function is convex in t: a distance to a moving
/// point minus a linear function. So a golden section search over t converges to the minimum; 64 steps leave an
/// interval of 1e-13 of the edge. The engine never evaluates this function; it solves quadratics.
struct Oracle {
    var nodes: [Skeleton.Node]
    var grid: VoxelGrid
    var floor: Double
    var taper = false
    var slab = false
    /// The nodes of a soma's outline, in order. Its area is labelled 1, up to the radius floor above and below it.
    var outline: [Int] = []

    init(_ nodes: [Skeleton.Node], _ grid: VoxelGrid, floor: Bool = true, taper: Bool = false, slab: Bool = false) {
        self.nodes = nodes
        self.grid = grid
        self.taper = taper
        self.slab = slab
        let xy = grid.spacingX * grid.spacingX + grid.spacingY * grid.spacingY
        self.floor = floor ? 0.5 * sqrt(slab ? xy : xy + grid.spacingZ * grid.spacingZ) : 0
    }

    struct Ball {
        var x, y, z, r: Double
    }

    struct Piece {
        var from: Ball
        var to: Ball
        var value: Int
        var node: Int
    }

    /// The class of a node. For types 5 and 6 it goes up, and then goes down level by level.
    func compartment(_ index: Int) -> Int {
        func isOpen(_ at: Int) -> Bool { nodes[at].type == 5 || nodes[at].type == 6 }
        guard isOpen(index) else { return (1...4).contains(nodes[index].type) ? nodes[index].type : 255 }
        var at = index
        while at >= 0 && isOpen(at) { at = nodes[at].parent }
        if at >= 0 && (2...4).contains(nodes[at].type) { return nodes[at].type }
        var level = [index]
        while !level.isEmpty {
            let below = nodes.indices.filter { level.contains(nodes[$0].parent) }
            if let nearest = below.map({ nodes[$0].type }).filter({ (2...4).contains($0) }).min() { return nearest }
            level = below.filter(isOpen)
        }
        return 255
    }

    /// The pieces that are drawn: one for each edge, one for each root.
    var pieces: [Piece] {
        nodes.indices.map { index in
            let node = nodes[index]
            let to = Ball(x: node.x, y: node.y, z: node.z, r: max(node.radius, floor))
            var from = to
            if node.parent >= 0 {
                let parent = nodes[node.parent]
                from = Ball(x: parent.x, y: parent.y, z: parent.z, r: max(parent.radius, floor))
                if !taper && parent.type == 1 && node.type != 1 { from.r = to.r }
            }
            return Piece(from: from, to: to, value: compartment(index), node: index)
        }
    }

    /// A lower bound of `depth`: the distance to the segment less the larger radius.
    static func bound(_ piece: Piece, _ x: Double, _ y: Double, _ z: Double, halfSlab: Double) -> Double {
        let (ax, ay, az) = (piece.to.x - piece.from.x, piece.to.y - piece.from.y, piece.to.z - piece.from.z)
        let (px, py, pz) = (x - piece.from.x, y - piece.from.y, z - piece.from.z)
        let squared = ax * ax + ay * ay + az * az
        let t = squared > 0 ? min(1, max(0, (px * ax + py * ay + pz * az) / squared)) : 0
        let (dx, dy, dz) = (px - t * ax, py - t * ay, pz - t * az)
        return sqrt(dx * dx + dy * dy + dz * dz) - max(piece.from.r, piece.to.r) - halfSlab
    }

    /// The least |p - c(t)| - r(t). For a slab, the distance is to the vertical segment through the voxel, so the
    /// function stays convex.
    static func depth(_ piece: Piece, _ x: Double, _ y: Double, _ z: Double, halfSlab: Double = 0) -> Double {
        func at(_ t: Double) -> Double {
            let cx = piece.from.x + t * (piece.to.x - piece.from.x)
            let cy = piece.from.y + t * (piece.to.y - piece.from.y)
            let cz = piece.from.z + t * (piece.to.z - piece.from.z)
            let dz = max(0, abs(z - cz) - halfSlab)
            return sqrt((x - cx) * (x - cx) + (y - cy) * (y - cy) + dz * dz)
                - (piece.from.r + t * (piece.to.r - piece.from.r))
        }
        let golden = 0.6180339887498949
        var low = 0.0
        var high = 1.0
        var left = high - golden
        var right = low + golden
        var atLeft = at(left)
        var atRight = at(right)
        for _ in 0..<64 {
            if atLeft <= atRight {
                (high, right, atRight) = (right, left, atLeft)
                left = high - golden * (high - low)
                atLeft = at(left)
            } else {
                (low, left, atLeft) = (left, right, atRight)
                right = low + golden * (high - low)
                atRight = at(right)
            }
        }
        return min(min(at(0), at(1)), min(atLeft, atRight))
    }

    /// The least value of the pieces that contain the voxel, for each voxel of the box; planes, then rows, then
    /// columns.
    func volume(
        x: Range<Int>, y: Range<Int>, z: Range<Int>, pieces given: [Piece]? = nil,
        merge: (_ piece: Piece, _ depth: Double, _ old: Int) -> Int = { piece, depth, old in
            depth > 1e-6 ? old : old == 0 ? piece.value : min(old, piece.value)
        }, reach: Double = 1e-5
    ) -> [Int] {
        var volume = [Int](repeating: 0, count: x.count * y.count * z.count)
        for piece in given ?? pieces {
            // Only voxels in the box around the piece can be in reach.
            let (a, b) = (piece.from, piece.to)
            let xs = Self.indices(
                min(a.x - a.r, b.x - b.r) - reach, max(a.x + a.r, b.x + b.r) + reach, grid.spacingX, grid.originX, x)
            let ys = Self.indices(
                min(a.y - a.r, b.y - b.r) - reach, max(a.y + a.r, b.y + b.r) + reach, grid.spacingY, grid.originY, y)
            let half = slab ? grid.spacingZ / 2 : 0
            let zs = Self.indices(
                min(a.z - a.r, b.z - b.r) - reach - half, max(a.z + a.r, b.z + b.r) + reach + half, grid.spacingZ,
                grid.originZ, z)
            for k in zs {
                for j in ys {
                    for i in xs {
                        let px = (Double(i) + grid.originX) * grid.spacingX
                        let py = (Double(j) + grid.originY) * grid.spacingY
                        let pz = (Double(k) + grid.originZ) * grid.spacingZ
                        // Most of the box around a slanting piece is out of reach.
                        if Self.bound(piece, px, py, pz, halfSlab: half) > reach + 1e-3 { continue }
                        let depth = Self.depth(piece, px, py, pz, halfSlab: half)
                        let at = ((k - z.lowerBound) * y.count + j - y.lowerBound) * x.count + i - x.lowerBound
                        volume[at] = merge(piece, depth, volume[at])
                    }
                }
            }
        }
        return volume
    }

    private static func indices(
        _ low: Double, _ high: Double, _ spacing: Double, _ origin: Double, _ range: Range<Int>
    ) -> Range<Int> {
        let first = Int((low / spacing - origin).rounded(.down)) - 1
        let last = Int((high / spacing - origin).rounded(.up)) + 1
        return (first..<(last + 1)).clamped(to: range)
    }

    /// Whether a point lies in the outline's area, or so near above or below it that a ball of the floor's radius
    /// reaches it. All corners have one z. It uses the winding number, while the engine counts crossings.
    func isFilled(_ x: Double, _ y: Double, _ z: Double) -> Bool {
        guard let first = outline.first else { return false }
        let thickness = max(floor, outline.map { nodes[$0].radius }.min() ?? 0)
        guard max(0, abs(z - nodes[first].z) - (slab ? grid.spacingZ / 2 : 0)) <= thickness + 1e-6 else { return false }
        var turn = 0.0
        for (a, b) in zip(outline, outline.dropFirst() + [first]) {
            let (p, q) = ((nodes[a].x - x, nodes[a].y - y), (nodes[b].x - x, nodes[b].y - y))
            turn += atan2(p.0 * q.1 - p.1 * q.0, p.0 * q.0 + p.1 * q.1)
        }
        return abs(turn) > .pi
    }

    /// The whole grid, with the area of the outline and the edge that closes it.
    var filledVolume: [Int] {
        var pieces = pieces
        if let first = outline.first, let last = outline.last {
            func ball(_ index: Int) -> Ball {
                Ball(x: nodes[index].x, y: nodes[index].y, z: nodes[index].z, r: max(nodes[index].radius, floor))
            }
            pieces.append(Piece(from: ball(last), to: ball(first), value: 1, node: first))
        }
        var volume = volume(x: 0..<grid.width, y: 0..<grid.height, z: 0..<grid.depth, pieces: pieces)
        for at in volume.indices {
            let (i, j, k) = (at % grid.width, at / grid.width % grid.height, at / grid.width / grid.height)
            let point = (
                (Double(i) + grid.originX) * grid.spacingX, (Double(j) + grid.originY) * grid.spacingY,
                (Double(k) + grid.originZ) * grid.spacingZ
            )
            if isFilled(point.0, point.1, point.2) { volume[at] = 1 }
        }
        return volume
    }

    /// The whole grid.
    var volume: [Int] { volume(x: 0..<grid.width, y: 0..<grid.height, z: 0..<grid.depth) }
}

extension LabelSource {
    /// Every voxel through `paint`, plane by plane.
    var allVoxels: [Int] {
        (0..<grid.depth).flatMap { plane in Self.values(self.plane(plane), bytesPerVoxel) }
    }

    static func values(_ bytes: [UInt8], _ bytesPerVoxel: Int) -> [Int] {
        if bytesPerVoxel == 1 { return bytes.map(Int.init) }
        return stride(from: 0, to: bytes.count, by: 2).map { at in Int(bytes[at]) | Int(bytes[at + 1]) << 8 }
    }

    /// A box of voxels through `paintWindow`, with padded rows to check the stride.
    func box(x: Range<Int>, y: Range<Int>, z: Range<Int>) -> [Int] {
        z.flatMap { plane -> [Int] in
            let rowBytes = x.count * bytesPerVoxel
            var bytes = [UInt8](repeating: 0xA5, count: (rowBytes + 3) * y.count)
            bytes.withUnsafeMutableBytes { buffer in
                paintWindow(plane: plane, x: x, y: y, into: buffer, rowStride: rowBytes + 3)
            }
            return y.indices.flatMap { row -> [Int] in
                let start = (row - y.lowerBound) * (rowBytes + 3)
                return Self.values(Array(bytes[start..<(start + rowBytes)]), bytesPerVoxel)
            }
        }
    }
}
