internal import GRDB
internal import Support

extension CatalogueStore {
    /// What is known of the object `id`.
    public func object(_ id: String) throws(CatalogueError) -> ObjectRecord? {
        try gate.run("reading an object record") { pool in try pool.read { try Self.record($0, id) } }
    }

    /// Keeps what a reply said of an object, and decides its version.
    ///
    /// The version grows when the reply contradicts the record: another length; else another entity tag; else, where one
    /// side has no tag, another date. Otherwise the version stays, and what the reply does not say is kept. The version
    /// of a new object is the time at which the store's file was made, in seconds, so that versions grow also when a
    /// damaged store is built anew and cached blocks of an earlier life are never taken for the present bytes.
    ///
    /// - Parameter record: its `version` is ignored.
    /// - Returns: the record as it is kept.
    @discardableResult
    public func saveObject(_ record: ObjectRecord) throws(CatalogueError) -> ObjectRecord {
        try gate.run("keeping an object record") { pool in
            try pool.write { database in
                var kept = record
                if let known = try Self.record(database, record.id) {
                    let isOther = known.isContradicted(by: record)
                    if !isOther { kept = known.completed(by: record) }
                    kept.version = known.version + (isOther ? 1 : 0)
                } else {
                    kept.version = try Self.firstVersion(database, at: wallClockSeconds())
                }
                try database.execute(
                    sql: "INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?, ?)",
                    arguments: [
                        kept.id, kept.length, kept.etag, kept.lastModified, kept.contentType, kept.checkedAt,
                        kept.version,
                    ])
                return kept
            }
        }
    }

    /// The version of an object that is new to the store.
    private static func firstVersion(_ database: Database, at time: Double) throws -> Int {
        let key = "object.first-version"
        let row = try Row.fetchOne(database, sql: "SELECT value FROM meta WHERE key = ?", arguments: [key])
        if let kept = row?.text(0).flatMap({ Int($0) }) { return kept }
        try database.execute(sql: "INSERT OR REPLACE INTO meta VALUES (?, ?)", arguments: [key, String(Int(time))])
        return Int(time)
    }

    private static func record(_ database: Database, _ id: String) throws -> ObjectRecord? {
        let sql = "SELECT length, etag, last_modified, content_type, checked_at, version FROM object WHERE id = ?"
        guard let row = try Row.fetchOne(database, sql: sql, arguments: [id]) else { return nil }
        guard let version = row.int(5) else { throw DamagedContent(message: "an object record has no version") }
        return ObjectRecord(
            id: id, length: row.int(0), etag: row.text(1), lastModified: row.text(2), contentType: row.text(3),
            checkedAt: row.double(4) ?? 0, version: version)
    }
}
