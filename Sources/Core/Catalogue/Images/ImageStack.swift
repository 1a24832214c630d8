/// The image planes of a cell.
///
/// A plane's index is `section_number - min(section_number)`, the minimum over all rows, so that a missing or failed
/// plane leaves a gap and does not move the others: index = round(z / 0.28 um) of the skeleton (measured on
/// 313862022, which starts at section 2, and 529878215, which starts at 26).
///
/// Which rows make the stack:
/// - Rows of the type "Primary", unless there are none. Of several data sets, the one with the most usable planes
///   (the lowest id where equal); the others may be another magnification.
/// - Of two rows with the same section number the one that has not failed, else the higher image id: ids ascend in
///   time, so that is the later picture.
/// - A failed plane counts for the first section and the depth, but is not in ``planes`` and ``plane(at:)`` does not
///   return it: a missing plane is a missing file, not a picture known to be bad.
/// - Planes of another size than most are planes of their own size; the stack's frame is that of the majority, of the
///   first where equal.
/// - An index of 10000 or more, which four digits cannot name, is passed over.
public struct ImageStack: Hashable, Sendable {
    /// The usable planes, by index.
    public let planes: [PlaneImage]
    /// The planes marked as failed, by index; none of them is in ``planes``.
    public let failedPlanes: [PlaneImage]
    /// The section number of index 0.
    public let firstSection: Int
    /// Highest index of any plane, usable or failed, plus 1.
    public let depth: Int
    /// Left edge of most planes in the full frame, pixels.
    public let x: Int
    /// Top edge of most planes in the full frame, pixels.
    public let y: Int
    /// Width of most planes, pixels.
    public let width: Int
    /// Height of most planes, pixels.
    public let height: Int
    /// Width of the full frame of most planes, pixels.
    public let frameWidth: Int
    /// Height of the full frame of most planes, pixels.
    public let frameHeight: Int
    /// Pixel spacing of most planes, micrometres.
    public let resolution: Double
    /// Zoom tiers of most planes.
    public let tierCount: Int?

    /// One more than the highest index that is accepted.
    public static let maximumDepth = 10_000

    /// Position in ``planes`` by index, -1 where there is none.
    private let positions: [Int32]

    /// The plane at `index`, counted from 0 at the first section; `nil` outside the stack, in a gap and where the
    /// plane has failed.
    public func plane(at index: Int) -> PlaneImage? {
        guard positions.indices.contains(index), positions[index] >= 0 else { return nil }
        return planes[Int(positions[index])]
    }

    /// The index of `plane`, which is one of this stack.
    public func index(of plane: PlaneImage) -> Int { plane.sectionNumber - firstSection }

    /// Whether every usable plane has the position and size of the stack.
    public var isUniform: Bool {
        planes.allSatisfy { $0.x == x && $0.y == y && $0.width == width && $0.height == height }
    }

    /// Chooses the stack among `rows`; `nil` where no plane is usable.
    init?(rows: [PlaneRow], issues: inout IssueList) {
        let stackRows = Self.rowsOfOneStack(rows, issues: &issues)
        guard let first = stackRows.map(\.sectionNumber).min() else { return nil }
        var bySection: [Int: PlaneImage] = [:]
        for plane in stackRows {
            guard plane.sectionNumber - first < Self.maximumDepth else {
                issues.add(.unusableImage, "\(plane.imageID): section \(plane.sectionNumber) after \(first)")
                continue
            }
            guard let rival = bySection[plane.sectionNumber] else {
                bySection[plane.sectionNumber] = plane
                continue
            }
            issues.add(.duplicateSection, "section \(plane.sectionNumber): \(rival.imageID), \(plane.imageID)")
            if Self.precedence(rival) < Self.precedence(plane) { bySection[plane.sectionNumber] = plane }
        }
        let sorted = bySection.values.sorted { $0.sectionNumber < $1.sectionNumber }
        planes = sorted.filter { !$0.failed }
        failedPlanes = sorted.filter(\.failed)
        firstSection = first
        guard let last = sorted.last, let frame = Self.majority(planes) else { return nil }
        depth = last.sectionNumber - first + 1
        (x, y, width, height) = (frame.x, frame.y, frame.width, frame.height)
        (frameWidth, frameHeight) = (frame.frameWidth, frame.frameHeight)
        (resolution, tierCount) = (frame.resolution, frame.tierCount)
        var positions = [Int32](repeating: -1, count: depth)
        for (position, plane) in planes.enumerated() { positions[plane.sectionNumber - first] = Int32(position) }
        self.positions = positions
        for plane in failedPlanes { issues.add(.failedImage, "\(plane.imageID)") }
        for plane in planes where Geometry(plane) != Geometry(frame) {
            issues.add(.unequalSize, "\(plane.imageID): \(plane.width) x \(plane.height)")
        }
    }

    private static func precedence(_ plane: PlaneImage) -> (Int, Int) { (plane.failed ? 0 : 1, plane.imageID) }

    /// The rows of one type and one data set.
    private static func rowsOfOneStack(_ rows: [PlaneRow], issues: inout IssueList) -> [PlaneImage] {
        let hasPrimary = rows.contains(where: \.isPrimary)
        let ofType = rows.filter { $0.isPrimary == hasPrimary }
        let dataSets = Dictionary(grouping: ofType, by: \.dataSetID)
        let chosen = dataSets.max { left, right in
            let counts = [left, right].map {
                Set($0.value.filter { !$0.plane.failed }.map(\.plane.sectionNumber)).count
            }
            return counts[0] != counts[1] ? counts[0] < counts[1] : (left.key ?? .max) > (right.key ?? .max)
        }
        let kept = (chosen?.value ?? []).map(\.plane)
        for row in rows where row.isPrimary != hasPrimary || row.dataSetID != chosen?.key {
            issues.add(.foreignImage, "\(row.plane.imageID)")
        }
        return kept
    }

    /// What two planes share that lie in the same place of the frame.
    private struct Geometry: Hashable {
        let x, y, width, height: Int
        init(_ plane: PlaneImage) { (x, y, width, height) = (plane.x, plane.y, plane.width, plane.height) }
    }

    /// The first plane of the geometry that most have.
    private static func majority(_ planes: [PlaneImage]) -> PlaneImage? {
        var counts: [Geometry: Int] = [:]
        for plane in planes { counts[Geometry(plane), default: 0] += 1 }
        guard let most = counts.values.max() else { return nil }
        return planes.first { counts[Geometry($0)] == most }
    }
}
