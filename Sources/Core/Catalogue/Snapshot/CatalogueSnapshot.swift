public import Support

/// The whole cell list at one time. Immutable: a newer list is another snapshot with a higher ``generation``.
public struct CatalogueSnapshot: Sendable {
    /// The cells, ascending by id.
    public let specimens: [Specimen]
    /// Wall clock, seconds since 1970, at which the list last arrived from the upstream.
    public let fetchedAt: Double
    /// Grows when the content changes, not when the same list arrives again, in whatever order.
    public let generation: Int
    /// `total_rows` of the list.
    public let totalRows: Int
    /// The cells by structure, layer, line, dendrite type and name.
    public let groups: SpecimenGroups
    /// The cells with both images and a skeleton, ascending.
    public let trainable: [Int]
    /// The trainable cells divided for learning.
    public let splits: SpecimenSplits
    /// The list as AllenSDK's `CellTypesCache` writes cells.json: every row that arrived, in that order, also those
    /// that are no specimen here.
    public let cellsJSON: [UInt8]
    /// The same rows as the official cell_types_specimen_details.csv: its columns in its order, then unknown ones.
    public let cellsCSV: [UInt8]
    /// What was passed over.
    public let issues: [CatalogueIssue]

    /// The cell `id`.
    public subscript(id: Int) -> Specimen? {
        var low = 0
        var high = specimens.count
        while low < high {
            let middle = (low + high) / 2
            if specimens[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < specimens.count && specimens[low].id == id ? specimens[low] : nil
    }

    /// A snapshot that no store keeps, for a source whose list is at hand.
    ///
    /// - Throws: ``CatalogueError/noUsableRows(rows:)``.
    public init(rows: [JSONObject], at time: Double, generation: Int = 1) throws(CatalogueError) {
        let list = try CellList(rows: rows)
        self.init(list, totalRows: rows.count, at: time, generation: generation)
    }

    init(_ list: CellList, totalRows: Int, at time: Double, generation: Int) {
        self.init(
            specimens: list.specimens.map { Specimen(fields: $0.fields, texts: list.texts, range: $0.range) },
            totalRows: totalRows, at: time, generation: generation, cellsJSON: list.cellsJSON, cellsCSV: list.cellsCSV,
            issues: list.issues)
    }

    init(
        specimens: [Specimen], totalRows: Int, at time: Double, generation: Int, cellsJSON: [UInt8], cellsCSV: [UInt8],
        issues: [CatalogueIssue]
    ) {
        self.specimens = specimens
        self.totalRows = totalRows
        fetchedAt = time
        self.generation = generation
        groups = SpecimenGroups(specimens)
        let trainable = specimens.filter(\.isTrainable)
        self.trainable = trainable.map(\.id)
        splits = SpecimenSplits(trainable: trainable)
        self.cellsJSON = cellsJSON
        self.cellsCSV = cellsCSV
        self.issues = issues
    }
}
