internal import GRDB
internal import Support

extension CatalogueStore {
    /// What is known of the object `id`; `nil` where nothing has been saved. A damaged record is forgotten with a warning,
    /// and as if it had never been saved.
    public func object(_ id: String) throws(CatalogueError) -> ObjectRecord? {
        let kept = try gate.run("reading an object record") { pool in try pool.read { try Self.kept($0, id) } }
        switch kept {
        case .nothing: return nil
        case .record(let record): return record
        case .damaged:
            drop("object \(id)", because: DamagedContent(message: "it fails its checksum")) {
                () throws(CatalogueError) in
                try keep("forgetting an object record") { database in
                    // Another thread may have put a good one in its place.
                    if case .damaged = try Self.kept(database, id) { try Self.forget(database, id) }
                }
            }
            return nil
        }
    }

    /// Keeps what a reply said of an object, and decides its version.
    ///
    /// The version grows when the reply contradicts the record: another length; else another entity tag; else, where one
    /// side has no tag, another date. Otherwise the version stays, and what the reply does not say is kept. The version
    /// of a new object is the time at which the store's file was made or last lost a record to damage, in seconds, so that
    /// versions grow also then and cached blocks of an earlier life are never taken for the present bytes.
    ///
    /// - Parameter record: its `version` is ignored.
    /// - Returns: the record as it is kept.
    @discardableResult
    public func saveObject(_ record: ObjectRecord) throws(CatalogueError) -> ObjectRecord {
        try keep("keeping an object record") { database in
            var kept = record
            switch try Self.kept(database, record.id) {
            case .record(let known):
                let isOther = known.isContradicted(by: record)
                if !isOther { kept = known.completed(by: record) }
                kept.version = known.version + (isOther ? 1 : 0)
            case .damaged:
                try Self.forget(database, record.id)
                fallthrough
            case .nothing:
                kept.version = try Self.firstVersion(database, at: wallClockSeconds())
            }
            try database.execute(
                sql: "INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    kept.id, kept.length, kept.etag, kept.lastModified, kept.contentType, kept.checkedAt, kept.version,
                    kept.checksum,
                ])
            return kept
        }
    }

    private static let firstVersionKey = "object.first-version"

    /// The version of an object that is new to the store.
    private static func firstVersion(_ database: Database, at time: Double) throws -> Int {
        let row = try Row.fetchOne(database, sql: "SELECT value FROM meta WHERE key = ?", arguments: [firstVersionKey])
        if let kept = row?.text(0).flatMap({ Int($0) }) { return kept }
        try setFirstVersion(database, Int(time))
        return Int(time)
    }

    private static func setFirstVersion(_ database: Database, _ version: Int) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO meta VALUES (?, ?)", arguments: [firstVersionKey, String(version)])
    }

    /// Deletes a record whose version is lost: those of later ones begin above it.
    private static func forget(_ database: Database, _ id: String) throws {
        try database.execute(sql: "DELETE FROM object WHERE id = ?", arguments: [id])
        let now = wallClockSeconds()
        try setFirstVersion(database, max(Int(now), firstVersion(database, at: now) + 1))
    }

    private enum Kept {
        case nothing
        case record(ObjectRecord)
        case damaged
    }

    private static func kept(_ database: Database, _ id: String) throws -> Kept {
        let sql = "SELECT \(ObjectRecord.columns), checksum FROM object WHERE id = ?"
        guard let row = try Row.fetchOne(database, sql: sql, arguments: [id]) else { return .nothing }
        guard let record = ObjectRecord(row, id: id), row.int(6) == record.checksum else { return .damaged }
        return .record(record)
    }
}

extension ObjectRecord {
    /// The columns that ``init(_:id:)`` takes, at the beginning of the row.
    static let columns = "length, etag, last_modified, content_type, checked_at, version"

    /// Nil when there is something that cannot be.
    init?(_ row: Row, id: String) {
        guard let time = row.double(4), let version = row.int(5) else { return nil }
        self.init(
            id: id, length: row.int(0), etag: row.text(1), lastModified: row.text(2), contentType: row.text(3),
            checkedAt: time, version: version)
    }

    var checksum: Int {
        func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
        return RowChecksum.of([
            .string(id), length.map { .int($0) } ?? .null, text(etag), text(lastModified), text(contentType),
            RowChecksum.bits(checkedAt), .int(version),
        ])
    }
}
