internal import GRDB
package import Specimens
package import Support

/// What the store did with a cell list.
package struct CatalogueUpdate: Hashable, Sendable {
    /// Whether the content differs from what was kept before.
    package let isChanged: Bool
    /// The generation now kept.
    package let generation: Int
    /// The number of cells now kept.
    package let specimenCount: Int
    /// What was passed over.
    package let issues: [CatalogueIssue]
}

extension CatalogueStore {
    /// Keeps a whole cell list in place of the one before. After any error the old list stays.
    ///
    /// A list with the same rows, in whatever order, changes `fetchedAt` alone. Order, documents and generation stay, so
    /// that a refresh does not change bytes that a reader may have mapped.
    ///
    /// - Parameters:
    ///   - rows: every row of the reply, of all its pages.
    ///   - totalRows: what the reply counts.
    ///   - known: the list of which `rows` may lack a tenth; nil takes any list.
    ///   - time: wall clock, seconds since 1970.
    /// - Throws: ``CatalogueError/incomplete(expected:got:)`` when `rows` are not `totalRows`;
    ///   ``CatalogueError/noUsableRows(rows:)``; ``CatalogueError/losesTooMuch(_:)``; database errors.
    @discardableResult
    package func replaceCells(
        rows: [JSONObject], totalRows: Int, comparedWith known: SpecimenList? = nil, at time: Double
    ) throws(CatalogueError) -> CatalogueUpdate {
        guard rows.count == totalRows else { throw .incomplete(expected: totalRows, got: rows.count) }
        let list = try CellList(rows: rows)
        if let known {
            let newer = list.list(at: time, generation: 0)
            if let loss = CatalogueLoss(from: known, to: newer) { throw .losesTooMuch(loss) }
        }
        return try keep("keeping the cell list") { try Self.replace($0, with: list, at: time) }
    }

    private static func replace(
        _ database: Database, with list: CellList, at time: Double
    ) throws -> CatalogueUpdate {
        let kept = try Row.fetchOne(database, sql: "SELECT \(ListHead.columns) FROM catalogue").map { ListHead($0) }
        var head = kept ?? .unknown
        head.fetchedAt = time
        let digest = Int(truncatingIfNeeded: list.digest)
        let isChanged = head.digest != digest || head.generation == 0
        if isChanged {
            head.digest = digest
            head.generation += 1
            try database.execute(
                sql: "INSERT OR REPLACE INTO catalogue VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    head.generation, head.fetchedAt, head.digest,
                    Int(checksum(list.texts.bytes, list.cellsJSON, list.cellsCSV)), blob(list.texts.bytes),
                    blob(list.cellsJSON), blob(list.cellsCSV), head.checksum,
                ])
        } else {
            try database.execute(
                sql: "UPDATE catalogue SET fetched_at = ?, head_checksum = ?",
                arguments: [head.fetchedAt, head.checksum])
        }
        return CatalogueUpdate(
            isChanged: isChanged, generation: head.generation, specimenCount: list.specimens.count, issues: list.issues)
    }

    /// The kept cell list; nil where none has been kept, also after damage.
    ///
    /// The typed fields are read from the rows again. A checksum covers the rows; a copy of the fields would need a checksum
    /// of its own, and would have to be made anew for each new field.
    package func loadList() throws(CatalogueError) -> SpecimenList? {
        try gate.run("reading the cell list") { pool in
            // Parsed after the transaction: while it is open, the log of a writer grows.
            guard let kept = try pool.read({ try Self.kept($0) }) else { return nil }
            return SpecimenList(
                specimens: try SpecimenSorter(RowTexts(bytes: kept.rows)).specimens, at: kept.head.fetchedAt,
                generation: kept.head.generation, cellsJSON: kept.cellsJSON, cellsCSV: kept.cellsCSV)
        }
    }

    private struct KeptList {
        let head: ListHead
        let rows: [UInt8]
        let cellsJSON: [UInt8]
        let cellsCSV: [UInt8]
    }

    private static func kept(_ database: Database) throws -> KeptList? {
        let columns = "\(ListHead.columns), checksum, rows, cells_json, cells_csv"
        let cursor = try Row.fetchCursor(database, sql: "SELECT \(columns) FROM catalogue")
        guard let row = try cursor.next() else { return nil }
        guard let rows = try row.bytes(5), let json = try row.bytes(6), let csv = try row.bytes(7),
            row.int(4) == Int(checksum(rows, json, csv))
        else { throw DamagedContent(message: "the cell list fails its checksum") }
        return KeptList(head: ListHead(row), rows: rows, cellsJSON: json, cellsCSV: csv)
    }

    private static func checksum(_ parts: [UInt8]...) -> UInt32 {
        CRC32C.checksum(
            parts.flatMap { part in
                let sum = CRC32C.checksum(part)
                return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: sum >> $0) }
            })
    }
}

/// What is kept of the cell list besides its rows.
struct ListHead {
    var generation: Int
    var fetchedAt: Double
    var digest: Int

    /// Stands where there is no list, and for a list whose head is damaged. Its rows are shown, count as very old, and are
    /// replaced by the next list.
    static let unknown = ListHead(generation: 0, fetchedAt: 0, digest: 0)

    /// The columns that ``init(_:)`` takes, at the beginning of the row.
    static let columns = "generation, fetched_at, digest, head_checksum"

    init(generation: Int, fetchedAt: Double, digest: Int) {
        self.generation = generation
        self.fetchedAt = fetchedAt
        self.digest = digest
    }

    init(_ row: Row) {
        self = .unknown
        guard let generation = row.int(0), let time = row.double(1), let digest = row.int(2) else { return }
        let head = ListHead(generation: generation, fetchedAt: time, digest: digest)
        if row.int(3) == head.checksum { self = head }
    }

    var checksum: Int { RowChecksum.of([.int(generation), RowChecksum.bits(fetchedAt), .int(digest)]) }
}
