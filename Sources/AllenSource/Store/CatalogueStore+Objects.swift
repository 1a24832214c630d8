internal import GRDB
internal import Logging
package import Specimens
internal import Support

extension CatalogueStore: ObjectRecords {
    package func record(of id: ObjectID) -> ObjectRecord? {
        do throws(CatalogueError) {
            return try object(id)
        } catch {
            logger.warning("catalogue unreadable", metadata: ["object": "\(id)", "reason": "\(error)"])
            return nil
        }
    }

    package func keep(_ record: ObjectRecord, after previous: ObjectRecord?) -> ObjectRecord {
        do throws(CatalogueError) {
            return try saveObject(record)
        } catch {
            // The store warns, once and not for every object.
            logger.debug("catalogue not writable", metadata: ["object": "\(record.id)", "reason": "\(error)"])
            guard let previous else { return ObjectRow(record, version: 1).record(of: record.id) }
            return ObjectRow(previous, version: previous.number).followed(by: ObjectRow(record)).record(of: record.id)
        }
    }

    /// What is known of the object `id`; nil where nothing has been saved. A damaged record is forgotten with a warning, as
    /// if it had never been saved.
    func object(_ id: ObjectID) throws(CatalogueError) -> ObjectRecord? {
        let text = id.description
        let kept = try gate.run("reading an object record") { pool in try pool.read { try Self.kept($0, text) } }
        switch kept {
        case .nothing: return nil
        case .row(let row): return row.record(of: id)
        case .damaged:
            drop("object \(id)", because: DamagedContent(message: "it fails its checksum")) {
                () throws(CatalogueError) in
                try keep("forgetting an object record") { database in
                    // Another thread may have put a good one in its place.
                    if case .damaged = try Self.kept(database, text) { try Self.forget(database, text) }
                }
            }
            return nil
        }
    }

    /// Keeps what a reply said of an object, and decides its version.
    ///
    /// The version grows when the reply contradicts the record: see ``ObjectRow/followed(by:)``. Otherwise the version stays,
    /// and what the reply does not say is kept. A new object begins with the time, in seconds, at which the store's file was
    /// made or last lost a record to damage. So its versions are above all earlier ones, and no cached block of those is
    /// taken for the present bytes.
    ///
    /// - Parameter record: its number is ignored.
    /// - Returns: the record as it is kept.
    @discardableResult
    func saveObject(_ record: ObjectRecord) throws(CatalogueError) -> ObjectRecord {
        try keep("keeping an object record") { database in
            var row = ObjectRow(record)
            switch try Self.kept(database, row.id) {
            case .row(let known): row = known.followed(by: row)
            case .damaged:
                try Self.forget(database, row.id)
                fallthrough
            case .nothing: row.version = try Self.firstVersion(database, at: wallClockSeconds())
            }
            try database.execute(
                sql: "INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    row.id, row.length, row.etag, row.lastModified, row.contentType, row.checkedAt, row.version,
                    row.checksum,
                ])
            return row.record(of: record.id)
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

    /// Deletes a damaged record. Its version is lost, so the versions of new objects begin above it.
    private static func forget(_ database: Database, _ id: String) throws {
        try database.execute(sql: "DELETE FROM object WHERE id = ?", arguments: [id])
        let now = wallClockSeconds()
        try setFirstVersion(database, max(Int(now), firstVersion(database, at: now) + 1))
    }

    private enum Kept {
        case nothing
        case row(ObjectRow)
        case damaged
    }

    private static func kept(_ database: Database, _ id: String) throws -> Kept {
        let sql = "SELECT \(ObjectRow.columns), checksum FROM object WHERE id = ?"
        guard let found = try Row.fetchOne(database, sql: sql, arguments: [id]) else { return .nothing }
        guard let row = ObjectRow(found, id: id), found.int(6) == row.checksum else { return .damaged }
        return .row(row)
    }
}
