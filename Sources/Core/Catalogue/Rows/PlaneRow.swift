internal import Specimens
internal import Support

/// A row of `SubImage` (docs/DATA.md 3) before it is known which rows make the stack.
struct PlaneRow {
    let plane: PlaneImage
    let dataSetID: Int?
    let isPrimary: Bool

    /// A pixel spacing outside of this, um, is a fault of the row: no microscope has a millimetre.
    private static let possibleSpacing = 0.001...1000.0

    /// The fields that the store keeps, in its order; ``init(field:)`` reads all but the tier count and the path.
    static let fields = [
        "id", "data_set_id", "section_number", "x", "y", "width", "height", "image_width", "image_height", "resolution",
        "tier_count", "failed", "image_type", "path",
    ]

    /// Reads a row; nil where an id, a section number or a size is missing or cannot be.
    init?(field: (String) -> JSONValue?) {
        func int(_ key: String) -> Int? { field(key)?.intValue }
        func side(_ key: String) -> Int? { int(key).flatMap { (1...PlaneImage.longestSide).contains($0) ? $0 : nil } }
        func offset(_ key: String) -> Int? { int(key).flatMap { (0...PlaneImage.longestSide).contains($0) ? $0 : nil } }
        guard let id = int("id"), id > 0, let section = int("section_number"),
            (-999_999...999_999).contains(section),
            let width = side("width"), let height = side("height")
        else { return nil }
        let x = offset("x") ?? 0
        let y = offset("y") ?? 0
        let resolution = field("resolution")?.doubleValue.flatMap { Self.possibleSpacing.contains($0) ? $0 : nil }
        let failed = field("failed")
        plane = PlaneImage(
            imageID: id, sectionNumber: section, x: x, y: y, width: width, height: height,
            frameWidth: side("image_width") ?? x + width, frameHeight: side("image_height") ?? y + height,
            resolution: resolution ?? AllenSpacing.xy,
            failed: failed?.boolValue ?? (failed?.stringValue == "true"))
        dataSetID = int("data_set_id")
        let type = field("image_type")?.stringValue ?? ""
        isPrimary = type.isEmpty || type == "Primary"
    }
}

/// Voxel spacing of the database's stacks (docs/DATA.md 7).
package enum AllenSpacing {
    /// In x and y, um, for rows that give none.
    package static let xy = 0.1144
    /// In z, um; no row gives it.
    package static let z = 0.28
}

extension ImageStack {
    /// Chooses the stack among `rows`; nil where no plane is usable.
    ///
    /// - Rows of the type "Primary", unless there are none. Of several data sets, the one with the most usable planes
    ///   (the lowest id where equal); the others may be another magnification.
    /// - Of two rows with the same section number the one that has not failed, else the higher image id: ids ascend in
    ///   time, so that is the later picture.
    /// - An index of ``ImageStack/maximumDepth`` or more is passed over.
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
        self.init(planes: Array(bySection.values), zSpacing: AllenSpacing.z)
        for plane in failedPlanes { issues.add(.failedImage, "\(plane.imageID)") }
        for plane in planes where !isFramed(plane) {
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
}
