internal import GRDB

/// The tables of the store.
///
/// A change to what ``SpecimenFields`` takes from a row is a new version, too, whose step empties `catalogue`: a list that
/// arrives unchanged is not read again. `PRAGMA user_version` is the version of the schema, `PRAGMA application_id` says that the file is ours.
enum Schema {
    /// "NFSC": the first thing looked at when a file is opened.
    static let applicationID = 0x4E46_5343

    /// What leads from version `n` to `n + 1`, at place `n`. Steps that have shipped are not changed any more.
    private static let steps: [String] = [
        """
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
    ]

    /// The version that this program reads and writes.
    static var version: Int { steps.count }

    /// What a file turns out to be.
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

    /// Brings a file of `from` (0 for an empty one) up to date; within a transaction of the caller.
    static func migrate(_ database: Database, from: Int) throws {
        guard from < version else { return }
        for step in steps[from...] { try database.execute(sql: step) }
        try database.execute(sql: "PRAGMA application_id = \(applicationID)")
        try database.execute(sql: "PRAGMA user_version = \(version)")
    }
}
