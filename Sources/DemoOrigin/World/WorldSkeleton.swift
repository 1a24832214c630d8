/// A skeleton in the form that the renderer needs: tubes in micrometres. It reads all SWC variants of the database
/// (docs/DATA.md 8): comments, CRLF, ids from 0, a parent behind its child, several roots.
struct WorldSkeleton: Sendable {
    struct Node: Sendable {
        var id: Int
        var type: Int
        var x: Float
        var y: Float
        var z: Float
        var radius: Float
        /// Index of the parent node, -1 for a root.
        var parent: Int
    }

    var nodes: [Node]

    /// Tubes along the edges, and a sphere at each soma. The edge from a soma is a tube of the child's radius, because
    /// the soma's own radius would make a cone of it.
    var tubes: [Tube] {
        var tubes: [Tube] = []
        tubes.reserveCapacity(nodes.count)
        for node in nodes {
            guard node.parent >= 0 else {
                tubes.append(Tube(node, node, node.radius, node.radius))
                continue
            }
            if node.type == 1 { tubes.append(Tube(node, node, node.radius, node.radius)) }
            let parent = nodes[node.parent]
            tubes.append(Tube(parent, node, parent.type == 1 ? node.radius : parent.radius, node.radius))
        }
        return tubes
    }

    /// Largest z in micrometres; 0 without nodes.
    var depth: Double { Double(nodes.map(\.z).max() ?? 0) }

    /// Lines that are no node (anything but seven numbers) are skipped.
    static func parse(_ bytes: [UInt8]) -> WorldSkeleton {
        var nodes: [Node] = []
        var parents: [Int] = []
        var indices: [Int: Int] = [:]
        for line in bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) where line.first != UInt8(ascii: "#") {
            let fields = line.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 }).map(number)
            guard fields.count >= 7, !fields.contains(where: \.isNaN) else { continue }
            indices[Int(fields[0])] = nodes.count
            parents.append(Int(fields[6]))
            nodes.append(
                Node(
                    id: Int(fields[0]), type: Int(fields[1]), x: Float(fields[2]), y: Float(fields[3]),
                    z: Float(fields[4]), radius: Float(fields[5]), parent: -1))
        }
        for index in nodes.indices { nodes[index].parent = indices[parents[index]] ?? -1 }
        return WorldSkeleton(nodes: nodes)
    }

    private static func number(_ text: ArraySlice<UInt8>) -> Double {
        Double(String(decoding: text, as: UTF8.self)) ?? .nan
    }
}

/// A rounded cone between two points, in micrometres.
struct Tube: Sendable {
    var ax: Float
    var ay: Float
    var az: Float
    var aRadius: Float
    var bx: Float
    var by: Float
    var bz: Float
    var bRadius: Float

    /// Half a voxel's diagonal. No neurite is thinner in the labels (docs/LABELS.md, the rules), so none is drawn
    /// thinner.
    static let thinnest = Float(
        0.5 * (2 * Imaging.pixel * Imaging.pixel + Imaging.plane * Imaging.plane).squareRoot())

    init(_ a: WorldSkeleton.Node, _ b: WorldSkeleton.Node, _ aRadius: Float, _ bRadius: Float) {
        (ax, ay, az) = (a.x, a.y, a.z)
        (bx, by, bz) = (b.x, b.y, b.z)
        self.aRadius = max(aRadius, Self.thinnest)
        self.bRadius = max(bRadius, Self.thinnest)
    }

    /// The tube seen from the side: z runs to the right, y down, x into the depth.
    var turnedSideways: Tube {
        var tube = self
        (tube.ax, tube.az) = (az, ax)
        (tube.bx, tube.bz) = (bz, bx)
        return tube
    }
}
