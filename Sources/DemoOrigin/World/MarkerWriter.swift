/// Marker files (docs/DATA.md 9): places in micrometres, each one voxel larger than in the SWC file.
enum MarkerWriter {
    private static let header = "##x,y,z,radius,shape,name,comment, color_r,color_g,color_b"
    private static let cutDendrite = 10
    private static let noReconstruction = 20
    private static let sliceSurface = 30

    /// Cut dendrites at a few tips, the end of the reconstruction at a tip of the axon, the slice surface above the
    /// soma.
    static func text(_ skeleton: WorldSkeleton) -> [UInt8] {
        var childless = [Bool](repeating: true, count: skeleton.nodes.count)
        for node in skeleton.nodes where node.parent >= 0 { childless[node.parent] = false }
        let tips = skeleton.nodes.indices.filter { childless[$0] }.map { skeleton.nodes[$0] }
        var lines = [header]
        for tip in tips.filter({ $0.type == 3 }).prefix(6) { lines.append(line(tip, z: tip.z, name: cutDendrite)) }
        if let tip = tips.last(where: { $0.type == 2 }) { lines.append(line(tip, z: tip.z, name: noReconstruction)) }
        if let soma = skeleton.nodes.first(where: { $0.type == 1 }) {
            // The surface lies about 19.6 um above the soma; less in a thin demonstration section.
            lines.append(line(soma, z: max(0, soma.z - 19.6), name: sliceSurface))
        }
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    private static func line(_ node: WorldSkeleton.Node, z: Float, name: Int) -> String {
        let place = [Double(node.x) + Imaging.pixel, Double(node.y) + Imaging.pixel, Double(z) + Imaging.plane]
        return place.map(SWCWriter.decimal).joined(separator: ",") + ",0.0, 1, \(name), , 97,211,104"
    }
}
