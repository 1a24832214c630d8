internal import Specimens

extension VoxelSpacing {
    /// That of the database's stacks (docs/DATA.md 7): in x and y for rows that give none, in z for all.
    static let allen = VoxelSpacing(xy: 0.1144, z: 0.28)
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
        self.init(planes: Array(bySection.values), zSpacing: VoxelSpacing.allen.z)
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
