/// A neuron as SWC text, made by random walks, for machines without real data.
enum GeneratedSkeleton {
    /// About `count` nodes in a 600 um field: one soma, six dendrites with branches, a long axon.
    static func swc(nodes count: Int) -> String {
        var state: UInt64 = 42
        func unit() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) * 0x1p-53
        }
        var lines = ["1 1 300 300 50 6.5 -1"]
        var id = 1
        let chains = max(8, count / 120)
        var starts: [(id: Int, x: Double, y: Double, z: Double, type: Int)] = []
        for chain in 0..<chains {
            var at =
                chain < 8 || unit() < 0.1
                ? (id: 1, x: 300.0, y: 300.0, z: 50.0, type: chain % 4 == 0 ? 2 : chain % 4 == 1 ? 4 : 3)
                : starts[Int(unit() * Double(starts.count))]
            var heading = (unit() - 0.5, unit() - 0.5, (unit() - 0.5) * 0.4)
            for _ in 0..<(count / chains) {
                heading.0 += (unit() - 0.5) * 0.4
                heading.1 += (unit() - 0.5) * 0.4
                heading.2 += (unit() - 0.5) * 0.3 - (at.z - 50) * 0.002
                let size = (heading.0 * heading.0 + heading.1 * heading.1 + heading.2 * heading.2).squareRoot()
                heading = (heading.0 / size, heading.1 / size, heading.2 / size)
                at.x = min(max(at.x + heading.0 * 1.15, 5), 595)
                at.y = min(max(at.y + heading.1 * 1.15, 5), 595)
                at.z = min(max(at.z + heading.2 * 1.15, 1), 110)
                id += 1
                let radius = at.type == 2 ? 0.1144 : 0.1144 * Double(1 + Int(unit() * 4))
                lines.append("\(id) \(at.type) \(at.x) \(at.y) \(at.z) \(radius) \(at.id)")
                at.id = id
                if unit() < 0.05 { starts.append(at) }
            }
            starts.append(at)
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
