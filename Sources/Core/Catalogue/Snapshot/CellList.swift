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
        var bytes: [UInt8] = []
        var sorter = SpecimenSorter()
        var digest: UInt64 = 0
        for row in rows {
            let start = bytes.count
            JSONValue.object(row).append(to: &bytes)
            let range = start..<bytes.count
            bytes.append(UInt8(ascii: "\n"))
            digest &+= StableHash.mixed(StableHash.fnv1a(bytes[range]))
            sorter.add(row, range: range)
        }
        specimens = sorter.specimens
        guard !specimens.isEmpty else { throw .noUsableRows(rows: rows.count) }
        texts = RowTexts(bytes: bytes)
        cellsJSON = CellsDocument.json(rows)
        cellsCSV = try CellsDocument.csv(rows)
        issues = sorter.issues
        self.digest = digest
    }
}

/// Tells the rows that are specimens from the others, whether they have just arrived or were kept.
struct SpecimenSorter {
    private var entries: [Int: CellList.Entry] = [:]
    private var list = IssueList()
    /// The rows handed over so far.
    private(set) var rowCount = 0

    /// Takes the next row, which stands at `range` of the list's texts.
    mutating func add(_ row: JSONObject, range: Range<Int>) {
        defer { rowCount += 1 }
        guard let fields = SpecimenFields(row: row, index: rowCount, issues: &list) else { return }
        if entries[fields.id] != nil {
            list.add(.duplicateSpecimenID, String(fields.id))
        } else {
            entries[fields.id] = CellList.Entry(fields: fields, range: range)
        }
    }

    /// Ascending by id.
    var specimens: [CellList.Entry] { entries.values.sorted { $0.fields.id < $1.fields.id } }

    /// What was passed over.
    var issues: [CatalogueIssue] { list.issues }
}
