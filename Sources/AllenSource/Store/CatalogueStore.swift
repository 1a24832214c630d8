internal import GRDB
package import Logging
internal import Support

/// The catalogue on disk: an SQLite file in WAL mode that outlives the mount and the network.
///
/// A damaged file is moved to `<path>.damaged`, a file of another program to `<path>.foreign`, with a warning. An empty file
/// takes its place: everything here can be fetched again. A damaged record about a cell or file costs only that record. A file
/// of a later version stays, and this version keeps its own beside it. A file that is deleted meanwhile is written again. All
/// methods may be called from any thread; they block on the disk.
package final class CatalogueStore: Sendable {
    /// The file; `-wal` and `-shm` lie beside it while it is open.
    package var path: String { gate.path }
    let gate: DatabaseGate
    let logger: Logger
    private let damaged = Counter()
    private let trouble = Monitor(WriteTrouble())

    /// Opens the store at `path`, whose folder exists and may be written to, or makes it.
    ///
    /// - Throws: ``CatalogueError/database(operation:code:message:)`` or ``CatalogueError/file(path:cause:)`` when
    ///   the folder forbids it.
    package init(
        path: String, logger: Logger = Logger(label: "catalogue")
    ) throws(CatalogueError) {
        self.logger = logger
        gate = try DatabaseGate(path: path) { logger.warning("\($0)") }
    }

    /// Waits for the calls under way and closes the file. Later calls throw ``CatalogueError/closed``.
    package func close() throws(CatalogueError) { try gate.close() }

    /// The note kept under `key`.
    package func meta(_ key: String) throws(CatalogueError) -> String? {
        try gate.run("reading a note") { pool in
            try pool.read { database in
                try Row.fetchOne(database, sql: "SELECT value FROM meta WHERE key = ?", arguments: [key])?.text(0)
            }
        }
    }

    /// Keeps `value` under `key`; `nil` removes it.
    package func setMeta(_ key: String, _ value: String?) throws(CatalogueError) {
        try keep("keeping a note") { database in
            if let value {
                try database.execute(
                    sql: "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                    arguments: [key, value])
            } else {
                try database.execute(sql: "DELETE FROM meta WHERE key = ?", arguments: [key])
            }
        }
    }

    /// Writes the file again where it was deleted since the last call of any method.
    package func restoreIfDeleted() throws(CatalogueError) { try gate.restoreIfDeleted() }

    // MARK: - For the extensions

    /// Runs `body` in a transaction that writes. Logs once that writes fail, and once that they succeed again, so that
    /// callers need not say it for every cell and file.
    func keep<Value>(_ operation: String, _ body: (Database) throws -> Value) throws(CatalogueError) -> Value {
        let value: Value
        do throws(CatalogueError) {
            value = try gate.run(operation) { pool in try pool.write(body) }
        } catch {
            if error != .closed, trouble.withLock({ $0.noteFailure(at: .now) }) {
                logger.warning(
                    "the catalogue cannot be written; what is learnt meanwhile is asked for again by the next mount: \(error)",
                    metadata: ["file": "\(path)"])
            }
            throw error
        }
        if trouble.withLock({ $0.noteSuccess(at: .now) }) {
            logger.notice("the catalogue is written again", metadata: ["file": "\(path)"])
        }
        return value
    }

    /// Removes one damaged record, and warns of the first, second, fourth, ... so that a dying disk does not fill the log.
    func drop(_ record: String, because damage: DamagedContent, remove: () throws(CatalogueError) -> Void) {
        damaged.add()
        var outcome = "it is asked for again"
        do throws(CatalogueError) {
            try remove()
        } catch {
            outcome = "it cannot be removed: \(error)"
        }
        let count = damaged.value
        guard count & (count - 1) == 0 else { return }
        logger.warning(
            "a damaged record of the catalogue is not used; \(outcome)",
            metadata: ["record": "\(record)", "reason": "\(damage.message)", "count": "\(count)", "file": "\(path)"])
    }
}
