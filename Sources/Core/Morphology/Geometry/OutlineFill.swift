/// The area of a soma's outline as tubes along the rows of a grid.
///
/// Wanted are the voxel centres within r of the flat area. The point of the area nearest to a voxel centre lies straight
/// above or below it, on its own row, or else on the outline. So the union of the outline's edges with one tube of radius
/// r for every stretch of a row inside the outline is exact at every voxel centre, for sampling at the plane's centre, by
/// its thickness, and for distances.
struct OutlineFill {
    /// The stretches: y and the first and last x, um.
    private(set) var stretches: [(y: Double, x: ClosedRange<Double>)] = []

    /// Most crossings of rows that are kept, whatever the caller permits: a soma of 1000 rows has some 2000.
    private static let mostCrossings = 1 << 20

    /// - Throws: `LabelError.tooManyRuns` when the outline crosses rows more than `limit` times, or 2^20 times.
    init(_ outline: SomaOutline, in grid: VoxelGrid, limit: Int) throws(LabelError) {
        let corners = outline.corners
        var crossings: [Int: [Double]] = [:]
        var work = 0
        let limit = min(limit, Self.mostCrossings)
        for (index, b) in corners.enumerated() {
            let a = corners[index == 0 ? corners.count - 1 : index - 1]
            let inverse = 1 / grid.spacingY
            // One row more on either side: an edge that is rounded off its row would leave an odd number of crossings.
            let first =
                VoxelGrid.firstIndex(
                    min(a.y, b.y), inverse: inverse, origin: grid.originY, limit: grid.height) - 1
            let last =
                VoxelGrid.lastIndex(
                    max(a.y, b.y), inverse: inverse, origin: grid.originY, limit: grid.height) + 1
            for row in (first..<max(first, last + 1)).clamped(to: 0..<grid.height) {
                work += 1
                guard work <= limit else { throw .tooManyRuns(limit: limit) }
                let y = grid.y(row)
                guard (a.y <= y) != (b.y <= y) else { continue }
                crossings[row, default: []].append(a.x + (b.x - a.x) * ((y - a.y) / (b.y - a.y)))
            }
        }
        for (row, places) in crossings.sorted(by: { $0.key < $1.key }) {
            let places = places.sorted()
            for pair in stride(from: 0, to: places.count - 1, by: 2) {
                stretches.append((grid.y(row), places[pair]...places[pair + 1]))
            }
        }
    }
}
