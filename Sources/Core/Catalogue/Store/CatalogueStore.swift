internal import GRDB
public import Logging
internal import Support

/// The catalogue on disk: an SQLite file in WAL mode that outlives the mount and the network.
///
/// A damaged file, one of a later version and one of another program are moved to `<path>.damaged`, `.newer` or
/// `.foreign` with a warning, and an empty one takes their place: everything here can be fetched again. All methods may
/// be called from any thread; they block on the disk.
public final class CatalogueStore: Sendable {
    /// The file; `-wal` and `-shm` lie beside it while it is open.
    public let path: String
    let gate: DatabaseGate

    /// Opens the store at `path`, whose folder exists and may be written to, or makes it.
    ///
    /// - Throws: ``CatalogueError/database(operation:code:message:)`` or ``CatalogueError/file(path:cause:)`` when
    ///   the folder does not let us.
    public init(
        path: String, logger: Logger = Logger(label: "catalogue")
    ) throws(CatalogueError) {
        self.path = path
        gate = try DatabaseGate(path: path) { logger.warning("\($0)") }
    }

    /// Waits for the calls under way and closes the file. Later calls throw ``CatalogueError/closed``.
    public func close() throws(CatalogueError) { try gate.close() }

    /// The note kept under `key`.
    public func meta(_ key: String) throws(CatalogueError) -> String? {
        try gate.run("reading a note") { pool in
            try pool.read { database in
                try Row.fetchOne(database, sql: "SELECT value FROM meta WHERE key = ?", arguments: [key])?.text(0)
            }
        }
    }

    /// Keeps `value` under `key`; `nil` removes it.
    public func setMeta(_ key: String, _ value: String?) throws(CatalogueError) {
        try gate.run("keeping a note") { pool in
            try pool.write { database in
                if let value {
                    try database.execute(
                        sql: "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                        arguments: [key, value])
                } else {
                    try database.execute(sql: "DELETE FROM meta WHERE key = ?", arguments: [key])
                }
            }
        }
    }

    /// ``meta(_:)`` as a number, for example the time of the last check.
    public func metaNumber(_ key: String) throws(CatalogueError) -> Double? { try meta(key).flatMap { Double($0) } }
}
