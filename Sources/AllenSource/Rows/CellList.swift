internal import Specimens
internal import Support

/// A cell list that has arrived, ready to be kept: its specimens, rows and documents.
struct CellList {
    /// Ascending by id.
    let specimens: [Specimen]
    let texts: RowTexts
    let cellsJSON: [UInt8]
    let cellsCSV: [UInt8]
    let issues: [CatalogueIssue]
    /// A hash of the rows that does not depend on their order.
    let digest: UInt64

    init(rows: [JSONObject]) throws(CatalogueError) {
        var bytes: [UInt8] = []
        var ranges: [Range<Int>] = []
        var digest: UInt64 = 0
        for row in rows {
            let start = bytes.count
            JSONValue.object(row).append(to: &bytes)
            ranges.append(start..<bytes.count)
            digest &+= StableHash.mixed(StableHash.fnv1a(bytes[start...]))
            bytes.append(UInt8(ascii: "\n"))
        }
        texts = RowTexts(bytes: bytes)
        var sorter = SpecimenSorter()
        for (row, range) in zip(rows, ranges) { sorter.add(row, text: texts[range]) }
        specimens = sorter.specimens
        guard !specimens.isEmpty else { throw .noUsableRows(rows: rows.count) }
        cellsJSON = CellsDocument.json(rows)
        cellsCSV = try CellsDocument.csv(rows)
        issues = sorter.issues
        self.digest = digest
    }

    /// The list as the tree has it.
    func list(at time: Double, generation: Int) -> SpecimenList {
        SpecimenList(
            specimens: specimens, at: time, generation: generation, cellsJSON: cellsJSON, cellsCSV: cellsCSV)
    }
}

/// Finds the rows that are specimens, among rows that have just arrived and among kept rows.
struct SpecimenSorter {
    private var found: [Int: Specimen] = [:]
    private var list = IssueList()
    private var rowCount = 0

    init() {}

    /// Reads the rows that were kept.
    ///
    /// - Throws: when a row is no JSON. The checksum of the rows excludes that.
    init(_ texts: RowTexts) throws(JSONError) {
        try JSONValue.parseLines(texts.bytes) { value, range in
            add(value.objectValue ?? JSONObject(), text: texts[range])
        }
    }

    /// Takes the next row, kept as `text`.
    mutating func add(_ row: JSONObject, text: RowText) {
        defer { rowCount += 1 }
        guard let specimen = Specimen(row: row, text: text, index: rowCount, issues: &list) else { return }
        if found[specimen.id] != nil {
            list.add(.duplicateSpecimenID, String(specimen.id))
        } else {
            found[specimen.id] = specimen
        }
    }

    /// Ascending by id.
    var specimens: [Specimen] { found.values.sorted { $0.id < $1.id } }

    /// What was passed over.
    var issues: [CatalogueIssue] { list.issues }
}
