internal import GRDB
internal import Glibc
internal import Support

/// The one way to the database, for any number of threads. It replaces a file that is damaged or was deleted.
final class DatabaseGate: Sendable {
    private struct State {
        var pool: DatabasePool?
        /// The file that the pool has open.
        var file: FileIdentity?
        /// When to try again to put back a file that was deleted.
        var nextRestoring = Instant(nanoseconds: 0)
        /// Threads inside ``run(_:_:)``.
        var users = 0
        /// Counts the files that have stood at the path, so that the same damage is repaired once.
        var edition = 0
        var isReplacing = false
        var isClosed = false
    }

    /// The file.
    let path: String
    private let state: Monitor<State>
    private let notice: @Sendable (String) -> Void

    /// Opens or makes the database at `path`.
    ///
    /// - Parameter notice: gets a sentence for the log when a file is moved aside.
    init(path: String, notice: @escaping @Sendable (String) -> Void) throws(CatalogueError) {
        self.path = Self.place(for: path, notice: notice)
        self.notice = notice
        let pool = try Self.openMending(self.path, notice: notice)
        state = Monitor(State(pool: pool, file: FileIdentity(self.path)))
    }

    /// Where the database of this version is. A database of a later version stays as it is for the program that wrote it,
    /// because a user may go back to that program. Then this version has a database of its own beside it.
    private static func place(for path: String, notice: @Sendable (String) -> Void) -> String {
        do {
            guard case .newer(let version) = try state(path) else { return path }
            let own = "\(path).schema-\(Schema.version)"
            notice(
                "the catalogue \(path) is of a later version of neuronfs (schema \(version)) and stays as it is; this version, "
                    + "which knows up to schema \(Schema.version), keeps its own in \(own)")
            return own
        } catch {
            // The open repairs it.
            return path
        }
    }

    /// Runs `body`; when it meets damage, moves the file aside, makes an empty one and runs `body` once more.
    func run<Value>(
        _ operation: String, _ body: (DatabasePool) throws -> Value
    ) throws(CatalogueError) -> Value {
        try restoreIfDeleted()
        let edition: Int
        do throws(Failure) {
            return try attempt(operation, body)
        } catch {
            guard case .damage(let seen, let message) = error else { throw error.asCatalogueError(path) }
            try replace(edition: seen, because: message)
            edition = seen
        }
        do throws(Failure) {
            return try attempt(operation, body)
        } catch {
            if case .damage(let seen, let message) = error {
                throw .damaged(path: path, message: "\(message) (again, in file \(seen) after \(edition))")
            }
            throw error.asCatalogueError(path)
        }
    }

    /// Waits for the threads inside, then closes. Later calls of ``run(_:_:)`` throw ``CatalogueError/closed``.
    func close() throws(CatalogueError) {
        let pool: DatabasePool? = state.wait { state in
            state.isClosed = true
            guard state.users == 0, !state.isReplacing else { return .none }
            defer { state.pool = nil }
            return .some(state.pool)
        }
        do { try pool?.close() } catch { throw Failure(error, operation: "closing", edition: 0).asCatalogueError(path) }
    }

    // MARK: - One attempt

    /// Why an attempt failed: damage, or another cause.
    private enum Failure: Error {
        case damage(edition: Int, message: String)
        case other(CatalogueError)

        init(_ error: any Error, operation: String, edition: Int) {
            switch error {
            case let error as DatabaseError
            where error.resultCode == .SQLITE_CORRUPT || error.resultCode == .SQLITE_NOTADB:
                self = .damage(edition: edition, message: error.message ?? "SQLite error \(error.resultCode.rawValue)")
            case let error as DatabaseError:
                self = .other(
                    .database(
                        operation: operation, code: Int(error.extendedResultCode.rawValue),
                        message: error.message ?? error.resultCode.description))
            case let error as DamagedContent: self = .damage(edition: edition, message: error.message)
            case let error as JSONError: self = .damage(edition: edition, message: "kept text is \(error)")
            case let error as CatalogueError: self = .other(error)
            default: self = .other(.database(operation: operation, code: -1, message: "\(error)"))
            }
        }

        func asCatalogueError(_ path: String) -> CatalogueError {
            switch self {
            case .damage(_, let message): .damaged(path: path, message: message)
            case .other(let error): error
            }
        }
    }

    private enum Entry {
        case admitted(DatabasePool, edition: Int)
        case refused(CatalogueError)
    }

    private func attempt<Value>(
        _ operation: String, _ body: (DatabasePool) throws -> Value
    ) throws(Failure) -> Value {
        let entry: Entry = state.wait { state in
            if state.isReplacing { return nil }
            if state.isClosed { return .refused(.closed) }
            guard let pool = state.pool else { return .refused(.damaged(path: path, message: "it has no successor")) }
            state.users += 1
            return .admitted(pool, edition: state.edition)
        }
        let (pool, edition): (DatabasePool, Int)
        switch entry {
        case .refused(let error): throw .other(error)
        case .admitted(let present, let number): (pool, edition) = (present, number)
        }
        defer { state.update { $0.users -= 1 } }
        do { return try body(pool) } catch {
            throw Failure(error, operation: operation, edition: edition)
        }
    }

    // MARK: - Replacing a file that is damaged or was deleted

    /// Replaces the damaged file unless another thread has done so since `edition`.
    ///
    /// The old pool is closed first: SQLite deletes `-wal` by name when the last connection closes, which would be
    /// that of the new file.
    private func replace(edition: Int, because message: String) throws(CatalogueError) {
        try exchange(edition: edition) { pool throws(CatalogueError) in
            // A damaged file may refuse to close in order; its connections end with the pool.
            do { try pool.close() } catch { notice("closing the damaged catalogue \(path): \(error)") }
            try Self.moveAside(path, suffix: "damaged", because: message, notice: notice)
            return try Self.openMending(path, notice: notice)
        }
    }

    /// Seconds between attempts to put back a file that was deleted: its folder may come back later.
    private static let restoringPause = 5.0

    /// Writes the file again from what the pool still has open, where it was deleted. Where another file stands in its place,
    /// that file is opened.
    func restoreIfDeleted() throws(CatalogueError) {
        let edition: Int? = state.withLock { state in
            guard !state.isReplacing, !state.isClosed, state.pool != nil, FileIdentity(path) != state.file,
                state.nextRestoring <= .now
            else { return nil }
            state.nextRestoring = Instant.now.advanced(bySeconds: Self.restoringPause)
            return state.edition
        }
        guard let edition else { return }
        try exchange(edition: edition) { pool throws(CatalogueError) in
            let isReplaced = unsafe access(path, F_OK) == 0
            guard isReplaced || copy(pool) else { return pool }
            do { try pool.close() } catch { notice("closing the deleted catalogue \(path): \(error)") }
            if !isReplaced {
                // A log of the old file must not be taken for one of the new.
                Self.remove([path + "-wal", path + "-shm"])
                if unsafe rename(copyPath, path) != 0 { notice("putting back the catalogue \(path): \(Errno.current)") }
            }
            notice("the catalogue \(path) was \(isReplaced ? "replaced" : "deleted and is written again")")
            return try Self.openMending(path, notice: notice)
        }
    }

    private var copyPath: String { "\(path).new" }

    /// Writes all that `pool` holds to ``copyPath``. False where that fails: then the old file stays in use, without a name.
    private func copy(_ pool: DatabasePool) -> Bool {
        let files = ["", "-wal", "-shm", "-journal"].map { copyPath + $0 }
        Self.remove(files)
        do {
            let target = try DatabaseQueue(path: copyPath)
            // By the connection that writes: the pool opens those that read by name, when they are needed.
            try pool.writeWithoutTransaction { source in
                try target.writeWithoutTransaction { try source.backup(to: $0) }
            }
            try target.close()
            return true
        } catch {
            Self.remove(files)
            return false
        }
    }

    private static func remove(_ paths: [String]) {
        for path in paths { unsafe unlink(path) }
    }

    /// Replaces the pool by the one that `make` makes of it, unless another thread has done so since `edition`.
    private func exchange(
        edition: Int, _ make: (DatabasePool) throws(CatalogueError) -> DatabasePool
    ) throws(CatalogueError) {
        let old: DatabasePool?? = state.wait { state in
            if state.edition != edition || state.isClosed { return .some(nil) }
            guard state.users == 0, !state.isReplacing else { return nil }
            state.isReplacing = true
            defer { state.pool = nil }
            return .some(state.pool)
        }
        guard let pool = old.flatMap({ $0 }) else { return }
        var fresh: DatabasePool?
        defer {
            state.update { state in
                state.pool = fresh
                if let fresh, fresh !== pool { state.file = FileIdentity(path) }
                state.edition += 1
                state.isReplacing = false
            }
        }
        fresh = try make(pool)
    }

    private static func openMending(
        _ path: String, notice: @Sendable (String) -> Void
    ) throws(CatalogueError) -> DatabasePool {
        do throws(Failure) {
            switch try open(path) {
            case .ready(let pool): return pool
            case .newer(let version):
                let reason = "it has schema \(version), this program knows up to \(Schema.version)"
                try asFailure { () throws(CatalogueError) in
                    try moveAside(path, suffix: "newer", because: reason, notice: notice)
                }
            case .foreign:
                try asFailure { () throws(CatalogueError) in
                    try moveAside(path, suffix: "foreign", because: "it is no NeuronFS catalogue", notice: notice)
                }
            }
        } catch {
            guard case .damage(_, let message) = error else { throw error.asCatalogueError(path) }
            try moveAside(path, suffix: "damaged", because: message, notice: notice)
        }
        do throws(Failure) {
            guard case .ready(let pool) = try open(path) else {
                throw .other(.damaged(path: path, message: "a fresh file is not usable"))
            }
            return pool
        } catch {
            throw error.asCatalogueError(path)
        }
    }

    private static func asFailure(_ body: () throws(CatalogueError) -> Void) throws(Failure) {
        do throws(CatalogueError) { try body() } catch { throw .other(error) }
    }

    private enum Opened {
        case ready(DatabasePool)
        case newer(version: Int)
        case foreign
    }

    private static func open(_ path: String) throws(Failure) -> Opened {
        do {
            // Checked before a pool opens it: a pool changes any file to WAL mode, and the file of another program must not change.
            switch try state(path) {
            case .newer(let version): return .newer(version: version)
            case .foreign: return .foreign
            case .empty:
                let pool = try DatabasePool(path: path, configuration: configuration)
                try pool.write { try Schema.migrate($0, from: 0) }
                return .ready(pool)
            case .ours(let version):
                let pool = try DatabasePool(path: path, configuration: configuration)
                if version < Schema.version { try pool.write { try Schema.migrate($0, from: version) } }
                return .ready(pool)
            }
        } catch {
            throw Failure(error, operation: "opening", edition: 0)
        }
    }

    private static func state(_ path: String) throws -> Schema.State {
        try CatalogueFiles.check(path)
        guard unsafe access(path, F_OK) == 0 else { return .empty }
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        let state = try queue.read { try Schema.state($0) }
        try queue.close()
        return state
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "catalogue"
        configuration.maximumReaderCount = 4
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { database in
            // In WAL mode a power failure can then lose the last commit, never the file (sqlite.org/pragma.html).
            try database.execute(sql: "PRAGMA synchronous = NORMAL")
            // The log is 10 MB after a new list; without a limit it stays so.
            try database.execute(sql: "PRAGMA journal_size_limit = 1048576")
            try database.execute(sql: "PRAGMA cell_size_check = ON")
            try database.execute(sql: "PRAGMA trusted_schema = OFF")
        }
        return configuration
    }

    /// Renames the file and its write-ahead log to `<path>.<suffix>`, over an earlier one of that name.
    private static func moveAside(
        _ path: String, suffix: String, because reason: String, notice: @Sendable (String) -> Void
    ) throws(CatalogueError) {
        let target = "\(path).\(suffix)"
        for ending in ["-wal", "-shm", ""] where unsafe rename(path + ending, target + ending) != 0 {
            let code = Errno.current
            if code.rawValue != ENOENT { throw .file(path: path + ending, cause: code) }
        }
        notice("the catalogue \(path) was moved to \(target) and is built anew: \(reason)")
    }
}

/// The identity of the file that a path names.
private struct FileIdentity: Equatable {
    let device: UInt
    let inode: UInt

    /// Nil where there is none.
    init?(_ path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
    }
}

/// Thrown inside ``DatabaseGate/run(_:_:)`` when what was read fails its checksum or cannot be.
struct DamagedContent: Error {
    let message: String
}
