internal import GRDB
public import Support

/// What became of a cell list that was handed to the store.
public struct CatalogueUpdate: Hashable, Sendable {
    /// Whether the content differs from what was kept before.
    public let isChanged: Bool
    /// The generation now kept.
    public let generation: Int
    /// The number of cells now kept.
    public let specimenCount: Int
    /// What was passed over.
    public let issues: [CatalogueIssue]
}

extension CatalogueStore {
    /// Keeps a whole cell list instead of the one before. All or nothing: on any error the old one stays.
    ///
    /// A list with the same rows, in whatever order, only moves `fetchedAt`: order, documents and generation stay, so that
    /// a refresh does not change bytes that a reader may have mapped.
    ///
    /// - Parameters:
    ///   - rows: every row of the reply, of all its pages.
    ///   - totalRows: what the reply counts.
    ///   - time: wall clock, seconds since 1970.
    /// - Throws: ``CatalogueError/incomplete(expected:got:)`` when `rows` are not `totalRows`;
    ///   ``CatalogueError/noUsableRows(rows:)``; database errors.
    @discardableResult
    public func replaceCells(
        rows: [JSONObject], totalRows: Int, at time: Double
    ) throws(CatalogueError) -> CatalogueUpdate {
        guard rows.count == totalRows else { throw .incomplete(expected: totalRows, got: rows.count) }
        let list = try CellList(rows: rows)
        return try gate.run("keeping the cell list") { pool in
            try pool.write { try Self.replace($0, with: list, totalRows: totalRows, at: time) }
        }
    }

    private static func replace(
        _ database: Database, with list: CellList, totalRows: Int, at time: Double
    ) throws -> CatalogueUpdate {
        let digest = Int(truncatingIfNeeded: list.digest)
        let kept = try Row.fetchOne(database, sql: "SELECT generation, digest, total_rows FROM catalogue")
        let generation = kept?.int(0) ?? 0
        if kept?.int(1) == digest, kept?.int(2) == totalRows {
            try database.execute(sql: "UPDATE catalogue SET fetched_at = ?", arguments: [time])
            return CatalogueUpdate(
                isChanged: false, generation: generation, specimenCount: list.specimens.count, issues: list.issues)
        }
        try database.execute(sql: "DELETE FROM specimen")
        let insert = try database.makeStatement(
            sql: "INSERT INTO specimen VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        for entry in list.specimens {
            let fields = entry.fields
            let first: StatementArguments = [
                fields.id, fields.name, fields.species.rawValue, fields.donorID, fields.donorName,
                fields.structureAcronym, fields.structureParentAcronym, fields.layer, fields.lineName,
            ]
            let second: StatementArguments = [
                fields.dendriteType, fields.apical, fields.reconstructionType, fields.skeletonFileID,
                fields.recordingFileID, fields.frameWidth, fields.frameHeight, fields.projectionPath,
                entry.range.lowerBound, entry.range.upperBound,
            ]
            try insert.execute(arguments: first + second)
        }
        try database.execute(
            sql: "INSERT OR REPLACE INTO catalogue VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                generation + 1, time, totalRows, digest, IssueText.write(list.issues),
                Int(checksum(list.texts.bytes, list.cellsJSON, list.cellsCSV)), blob(list.texts.bytes),
                blob(list.cellsJSON), blob(list.cellsCSV),
            ])
        return CatalogueUpdate(
            isChanged: true, generation: generation + 1, specimenCount: list.specimens.count, issues: list.issues)
    }

    /// The kept cell list; `nil` where none has been kept, also after damage.
    public func loadSnapshot() throws(CatalogueError) -> CatalogueSnapshot? {
        try gate.run("reading the cell list") { pool in try pool.read { try Self.snapshot($0) } }
    }

    private static func snapshot(_ database: Database) throws -> CatalogueSnapshot? {
        let columns = "generation, fetched_at, total_rows, issues, checksum, rows, cells_json, cells_csv"
        let cursor = try Row.fetchCursor(database, sql: "SELECT \(columns) FROM catalogue")
        guard let row = try cursor.next() else { return nil }
        guard let generation = row.int(0), let time = row.double(1), let total = row.int(2), let issues = row.text(3),
            let rows = try row.bytes(5), let json = try row.bytes(6), let csv = try row.bytes(7),
            row.int(4) == Int(checksum(rows, json, csv))
        else { throw DamagedContent(message: "the cell list fails its checksum") }
        return CatalogueSnapshot(
            specimens: try specimens(database, texts: RowTexts(bytes: rows)), totalRows: total, at: time,
            generation: generation, cellsJSON: json, cellsCSV: csv, issues: try IssueText.read(issues))
    }

    private static func specimens(_ database: Database, texts: RowTexts) throws -> [Specimen] {
        var specimens: [Specimen] = []
        let cursor = try Row.fetchCursor(database, sql: "SELECT * FROM specimen ORDER BY id")
        while let row = try cursor.next() {
            guard let id = row.int(0), let name = row.text(1),
                let species = row.text(2).flatMap(Species.init(rawValue:)),
                let start = row.int(17), let end = row.int(18), start >= 0, start <= end, end <= texts.bytes.count
            else { throw DamagedContent(message: "a row of the table of specimens cannot be") }
            let fields = SpecimenFields(
                id: id, name: name, species: species, donorID: row.int(3), donorName: row.text(4),
                structureAcronym: row.text(5), structureParentAcronym: row.text(6), layer: row.text(7),
                lineName: row.text(8), dendriteType: row.text(9), apical: row.text(10),
                reconstructionType: row.text(11),
                skeletonFileID: row.int(12), recordingFileID: row.int(13), frameWidth: row.int(14),
                frameHeight: row.int(15), projectionPath: row.text(16))
            specimens.append(Specimen(fields: fields, texts: texts, range: start..<end))
        }
        return specimens
    }

    /// SQLite does not notice a changed byte within a text or blob; this does.
    private static func checksum(_ parts: [UInt8]...) -> UInt32 {
        CRC32C.checksum(
            parts.flatMap { part in
                let sum = CRC32C.checksum(part)
                return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: sum >> $0) }
            })
    }
}

/// Issues as they are kept beside the list.
enum IssueText {
    static func write(_ issues: [CatalogueIssue]) -> String {
        let list = issues.map { issue -> JSONValue in
            .object([
                "kind": .string(issue.kind.rawValue), "count": .int(issue.count),
                "examples": .array(issue.examples.map { .string($0) }),
            ])
        }
        return JSONValue.array(list).text()
    }

    static func read(_ text: String) throws -> [CatalogueIssue] {
        try (JSONValue.parse(text).arrayValue ?? []).compactMap { value in
            guard let kind = value["kind"]?.stringValue.flatMap(CatalogueIssue.Kind.init(rawValue:)) else { return nil }
            return CatalogueIssue(
                kind: kind, count: value["count"]?.intValue ?? 0,
                examples: (value["examples"]?.arrayValue ?? []).compactMap(\.stringValue))
        }
    }
}
