/// The image planes of a specimen.
///
/// A plane's index is its section number less the smallest one, so that a missing or failed plane leaves a gap and does not
/// move the others: index = round(z / z spacing) of the skeleton (docs/DATA.md 7).
///
/// - A failed plane counts for the first section and the depth. It is not in ``planes``, and ``plane(at:)`` does not return
///   it: a missing plane is a missing file, and no picture known to be bad.
/// - A plane of another size or other bits than most keeps its own. The stack's frame is that of most planes, of the first
///   where several frames are equally frequent.
package struct ImageStack: Hashable, Sendable {
    /// The usable planes, by index.
    package let planes: [PlaneImage]
    /// The planes marked as failed, by index; none of them is in ``planes``.
    package let failedPlanes: [PlaneImage]
    /// The section number of index 0.
    package let firstSection: Int
    /// Highest index of any plane, usable or failed, plus 1.
    package let depth: Int
    /// Left edge of most planes in the full frame, px.
    package let x: Int
    /// Top edge of most planes in the full frame, px.
    package let y: Int
    /// Width of most planes, px.
    package let width: Int
    /// Height of most planes, px.
    package let height: Int
    /// Width of the full frame of most planes, px.
    package let frameWidth: Int
    /// Height of the full frame of most planes, px.
    package let frameHeight: Int
    /// Bits of a pixel of most planes, 8 or 16.
    package let bits: Int
    /// Distance of two voxels: in x and y that of most planes.
    package let spacing: VoxelSpacing

    /// The indices, ascending, that have no image in the frame of the stack: missing planes, failed ones, and those of another
    /// place, size or bits.
    package let gaps: [Int]

    /// The largest ``depth``: a file name gives an index four digits.
    package static let maximumDepth = 10_000

    /// Position in ``planes`` by index, -1 where there is none.
    private let positions: [Int32]

    /// A stack; nil where no plane is usable, and where the depth would be above ``maximumDepth``.
    ///
    /// - Parameters:
    ///   - planes: no two with the same section number, in any order, the failed ones among them.
    ///   - zSpacing: distance of two planes, um.
    package init?(planes: [PlaneImage], zSpacing: Double) {
        let sorted = planes.sorted { $0.sectionNumber < $1.sectionNumber }
        let usable = sorted.filter { !$0.failed }
        guard let first = sorted.first?.sectionNumber, let last = sorted.last?.sectionNumber,
            last - first < Self.maximumDepth, let frame = Self.majority(usable)
        else { return nil }
        self.planes = usable
        failedPlanes = sorted.filter(\.failed)
        firstSection = first
        depth = last - first + 1
        (x, y, width, height) = (frame.x, frame.y, frame.width, frame.height)
        (frameWidth, frameHeight) = (frame.frameWidth, frame.frameHeight)
        bits = frame.bits
        spacing = VoxelSpacing(x: frame.xSpacing, y: frame.ySpacing, z: zSpacing)
        var positions = [Int32](repeating: -1, count: depth)
        for (position, plane) in usable.enumerated() { positions[plane.sectionNumber - first] = Int32(position) }
        self.positions = positions
        gaps = positions.indices.filter { index in
            positions[index] < 0 || Geometry(usable[Int(positions[index])]) != Geometry(frame)
        }
    }

    /// The plane at `index`, counted from 0 at the first section; nil outside the stack, in a gap and where the plane has
    /// failed.
    package func plane(at index: Int) -> PlaneImage? {
        guard positions.indices.contains(index), positions[index] >= 0 else { return nil }
        return planes[Int(positions[index])]
    }

    /// The index of `plane`, which is one of this stack.
    package func index(of plane: PlaneImage) -> Int { plane.sectionNumber - firstSection }

    /// The plane at `index` in the frame of the stack; nil outside the stack and for one of ``gaps``.
    package func framedPlane(at index: Int) -> PlaneImage? {
        plane(at: index).flatMap { isFramed($0) ? $0 : nil }
    }

    /// Whether `plane` has the place and size of the stack in the full frame, and its bits.
    package func isFramed(_ plane: PlaneImage) -> Bool {
        (plane.x, plane.y, plane.width, plane.height, plane.bits) == (x, y, width, height, bits)
    }

    /// What two planes share that lie in the same place of the full frame and have the same bits.
    private struct Geometry: Hashable {
        let x, y, width, height, bits: Int
        init(_ plane: PlaneImage) {
            (x, y, width, height, bits) = (plane.x, plane.y, plane.width, plane.height, plane.bits)
        }
    }

    /// The first plane of the geometry that most have.
    private static func majority(_ planes: [PlaneImage]) -> PlaneImage? {
        var counts: [Geometry: Int] = [:]
        for plane in planes { counts[Geometry(plane), default: 0] += 1 }
        guard let most = counts.values.max() else { return nil }
        return planes.first { counts[Geometry($0)] == most }
    }
}
