internal import Specimens
internal import Support

/// The queries of this source.
struct AllenAPI: Sendable {
    /// Base of the API, without a slash at the end.
    let endpoint: String
    let queries: RowQueries

    /// All rows of the list of cells.
    func cells() -> Promise<RMARows, SourceError> {
        queries.rows(
            { [endpoint] in RMA.cellsURL(base: endpoint, startRow: $0) }, within: .cells, token: CancellationToken())
    }

    /// All rows of one part of a cell's details.
    func rows(
        of part: SpecimenDetails.Part, specimen: Int, token: CancellationToken
    ) -> Promise<[JSONObject], SourceError> {
        queries.rows(
            { [endpoint] startRow in
                switch part {
                case .subImages: RMA.subImagesURL(base: endpoint, specimenID: specimen, startRow: startRow)
                case .projections: RMA.projectionsURL(base: endpoint, specimenID: specimen, startRow: startRow)
                case .reconstructions:
                    RMA.reconstructionsURL(base: endpoint, specimenID: specimen, startRow: startRow)
                }
            }, within: .details, token: token
        ).map(\.rows)
    }
}
