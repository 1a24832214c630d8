package import Specimens

/// What three queries say of one cell. They are made when the cell is first needed.
package struct SpecimenDetails: Hashable, Sendable {
    /// The three queries.
    package enum Part: String, Sendable, CaseIterable {
        /// The planes, `SubImage`.
        case subImages
        /// The projections, `ProjectionImage`.
        case projections
        /// The files of the reconstructions, `NeuronReconstruction`.
        case reconstructions
    }

    /// The cell.
    package let specimenID: Int
    /// The parts that have been saved. A part that has not been saved is empty below, and says nothing.
    package let parts: Set<Part>
    /// The planes; `nil` where there are none.
    package let stack: ImageStack?
    /// The projections, at most one a kind.
    package let projections: [Projection]
    /// The files of all reconstructions, by id.
    package let files: [WellKnownFile]
    /// Wall clock, seconds since 1970, of the last save.
    package let fetchedAt: Double
    /// What was passed over in the rows.
    package let issues: [CatalogueIssue]

    /// Whether all three queries have been answered.
    package var isComplete: Bool { parts.count == Part.allCases.count }

    /// The marker file that belongs to the skeleton `skeletonFileID` (`nrwkf__id`): the one of the same reconstruction.
    ///
    /// Nil where that reconstruction has none or is not listed: a marker of another reconstruction would not fit.
    package func markerFileID(forSkeleton skeletonFileID: Int) -> Int? {
        guard let reconstruction = files.first(where: { $0.id == skeletonFileID })?.reconstructionID else { return nil }
        return files.last { $0.typeID == WellKnownFile.markerType && $0.reconstructionID == reconstruction }?.id
    }
}
