internal import Support

/// The rows of a cell list, sorted out: what an arriving list is turned into before it is kept.
struct CellList {
    /// A row that is a specimen.
    struct Entry {
        let fields: SpecimenFields
        /// Where its row stands in ``CellList/texts``.
        let range: Range<Int>
    }

    /// Ascending by id.
    let specimens: [Entry]
    let texts: RowTexts
    let cellsJSON: [UInt8]
    let cellsCSV: [UInt8]
    let issues: [CatalogueIssue]
    /// The same for the same rows in any order.
    let digest: UInt64

    init(rows: [JSONObject]) throws(CatalogueError) {
        var issues = IssueList()
        var bytes: [UInt8] = []
        var entries: [Int: Entry] = [:]
        var digest: UInt64 = 0
        for (index, row) in rows.enumerated() {
            let start = bytes.count
            JSONValue.object(row).append(to: &bytes)
            let range = start..<bytes.count
            bytes.append(UInt8(ascii: "\n"))
            digest &+= StableHash.mixed(StableHash.fnv1a(bytes[range]))
            guard let fields = SpecimenFields(row: row, index: index, issues: &issues) else { continue }
            if entries[fields.id] != nil {
                issues.add(.duplicateSpecimenID, String(fields.id))
                continue
            }
            entries[fields.id] = Entry(fields: fields, range: range)
        }
        guard !entries.isEmpty else { throw .noUsableRows(rows: rows.count) }
        specimens = entries.values.sorted { $0.fields.id < $1.fields.id }
        texts = RowTexts(bytes: bytes)
        cellsJSON = CellsDocument.json(rows)
        cellsCSV = CellsDocument.csv(rows)
        self.issues = issues.issues
        self.digest = digest
    }
}
