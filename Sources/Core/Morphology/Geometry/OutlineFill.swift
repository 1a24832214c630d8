/// The area of a soma's outline, as tubes along the rows of a grid.
///
/// The goal is the set of voxel centres within r of the flat area. The point of the area nearest to a voxel centre has
/// two possible places. It lies straight above or below the centre, on the centre's own row, or it lies on the outline.
/// So the result is the union of the outline's edges with one tube of radius r for every stretch of a row inside the
/// outline. This union is exact at every voxel centre: for sampling at the plane's centre, for sampling in its
/// thickness, and for distances.
struct OutlineFill {
    /// The stretches, each with its y and its first and last x, um.
    private(set) var stretches: [(y: Double, x: ClosedRange<Double>)] = []

    /// The most crossings of rows that are kept, whatever `limit` allows. A soma of 1000 rows has about 2000.
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
            // One more row on either side, because rounding may move an edge off its row and leave an odd number of
            // crossings.
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
