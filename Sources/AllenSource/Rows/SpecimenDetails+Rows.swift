internal import Specimens
package import Support

extension SpecimenDetails {
    /// The details that the rows of the three queries give, without keeping them anywhere.
    ///
    /// - Parameters:
    ///   - subImages: all rows of ``RMA/subImagesURL(base:specimenID:startRow:)``.
    ///   - projections: all rows of ``RMA/projectionsURL(base:specimenID:)``.
    ///   - reconstructions: all rows of ``RMA/reconstructionsURL(base:specimenID:)``.
    ///   - time: wall clock, seconds since 1970.
    package init(
        of id: Int, subImages: [JSONObject], projections: [JSONObject], reconstructions: [JSONObject], at time: Double
    ) {
        var issues = IssueList()
        let stack = ImageStack(rows: subImages.compactMap { row in PlaneRow { row[$0] } }, issues: &issues)
        let views = Projection.all(rows: projections, issues: &issues)
        let files = WellKnownFile.all(reconstructions: reconstructions, issues: &issues)
        self.init(
            specimenID: id, parts: Set(Part.allCases), stack: stack, projections: views, files: files, fetchedAt: time,
            issues: issues.issues)
    }
}
