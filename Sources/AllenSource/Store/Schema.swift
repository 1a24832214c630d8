internal import GRDB

/// The tables of the store.
///
/// `PRAGMA user_version` is the version of the schema, `PRAGMA application_id` says that the file is ours.
enum Schema {
    /// "NFSC", which is checked first when a file is opened.
    static let applicationID = 0x4E46_5343

    /// Step `n` makes version `n + 1` of version `n`. Steps that have shipped do not change.
    private static let steps: [@Sendable (Database) throws -> Void] = [
        { try $0.execute(sql: firstTables) }, addChecksums,
    ]

    private static let firstTables = """
        CREATE TABLE catalogue (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            generation INTEGER NOT NULL,
            fetched_at REAL NOT NULL,
            total_rows INTEGER NOT NULL,
            digest INTEGER NOT NULL,
            issues TEXT NOT NULL,
            checksum INTEGER NOT NULL,
            rows BLOB NOT NULL,
            cells_json BLOB NOT NULL,
            cells_csv BLOB NOT NULL
        ) STRICT;
        CREATE TABLE specimen (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            species TEXT NOT NULL,
            donor_id INTEGER,
            donor_name TEXT,
            structure TEXT,
            structure_parent TEXT,
            layer TEXT,
            line TEXT,
            dendrite_type TEXT,
            apical TEXT,
            reconstruction_type TEXT,
            skeleton_file INTEGER,
            recording_file INTEGER,
            frame_width INTEGER,
            frame_height INTEGER,
            projection_path TEXT,
            row_start INTEGER NOT NULL,
            row_end INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE details (
            specimen INTEGER PRIMARY KEY,
            fetched_at REAL NOT NULL,
            sub_images BLOB,
            projections BLOB,
            reconstructions BLOB
        ) STRICT;
        CREATE TABLE object (
            id TEXT PRIMARY KEY,
            length INTEGER,
            etag TEXT,
            last_modified TEXT,
            content_type TEXT,
            checked_at REAL NOT NULL,
            version INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
        """

    /// Version 2: every record has a checksum. The table of specimens goes, because it repeats the rows, and so do the
    /// columns that follow from the rows.
    @Sendable private static func addChecksums(_ database: Database) throws {
        try database.execute(
            sql: """
                DROP TABLE specimen;
                ALTER TABLE catalogue DROP COLUMN total_rows;
                ALTER TABLE catalogue DROP COLUMN issues;
                ALTER TABLE catalogue ADD COLUMN head_checksum INTEGER NOT NULL DEFAULT 0;
                ALTER TABLE object ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
                """)
        let lists = try Row.fetchAll(database, sql: "SELECT generation, fetched_at, digest FROM catalogue")
        for list in lists {
            guard let generation = list.int(0), let time = list.double(1), let digest = list.int(2) else { continue }
            let head = ListHead(generation: generation, fetchedAt: time, digest: digest)
            try database.execute(sql: "UPDATE catalogue SET head_checksum = ?", arguments: [head.checksum])
        }
        for row in try Row.fetchAll(database, sql: "SELECT \(ObjectRow.columns), id FROM object") {
            guard let id = row.text(6), let record = ObjectRow(row, id: id) else { continue }
            try database.execute(
                sql: "UPDATE object SET checksum = ? WHERE id = ?", arguments: [record.checksum, id])
        }
        try nameOwners(database)
    }

    /// Makes the checksums of a cell's rows cover the id of the cell, too.
    private static func nameOwners(_ database: Database) throws {
        let columns = ["sub_images", "projections", "reconstructions"]
        for id in try Int.fetchAll(database, sql: "SELECT specimen FROM details") {
            for column in columns {
                let sql = "SELECT \(column) FROM details WHERE specimen = ?"
                guard let sealed = try Row.fetchOne(database, sql: sql, arguments: [id])?.bytes(0),
                    let text = DetailsText.unsealed(sealed, of: nil)
                else { continue }
                try database.execute(
                    sql: "UPDATE details SET \(column) = ? WHERE specimen = ?",
                    arguments: [blob(DetailsText.sealed(text, of: id)), id])
            }
        }
    }

    /// The version that this program reads and writes.
    static var version: Int { steps.count }

    /// What a file is.
    enum State: Equatable {
        case empty
        /// Ours, of a version that can be brought up to date.
        case ours(version: Int)
        /// Written by a later version of this program.
        case newer(version: Int)
        /// A database of some other program.
        case foreign
    }

    static func state(_ database: Database) throws -> State {
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
        if application == 0, version == 0, tables == 0 { return .empty }
        guard application == applicationID, version > 0 else { return .foreign }
        return version > Self.version ? .newer(version: version) : .ours(version: version)
    }

    /// Brings a file of version `from` (0 for an empty one) to `target`; within a transaction of the caller.
    static func migrate(_ database: Database, from: Int, to target: Int = version) throws {
        guard from < target else { return }
        for step in steps[from..<target] { try step(database) }
        try database.execute(sql: "PRAGMA application_id = \(applicationID)")
        try database.execute(sql: "PRAGMA user_version = \(target)")
    }
}
