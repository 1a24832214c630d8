internal import Logging
internal import Specimens
internal import Support

/// The list of cells: the last good one from disk, and a newer one from the API when there is one.
final class CellListKeeper: Sendable {
    private let api: AllenAPI
    private let store: CatalogueStore
    private let network: Network
    private let logger: Logger
    private let current: Monitor<SpecimenList>
    private let observers = Monitor<[@Sendable (SpecimenList) -> Void]>([])
    private let attempts = Monitor(Attempts())

    private struct Attempts {
        var isUnderWay = false
        /// When the last one began.
        var last: Instant?
        var refused: RefusedList?
    }

    /// Seconds after which the list is fetched again. The database has had 2333 cells for years; a day is fresh.
    static let freshness = 86_400.0
    /// Seconds between two attempts of which the first brought no list.
    static let pause = 3600.0

    /// Brings up the list: from disk when `store` holds one, else from the API. Blocks until then.
    ///
    /// - Throws: the reason why there is neither; the message names the host.
    init(api: AllenAPI, store: CatalogueStore, network: Network, logger: Logger) throws(SourceError) {
        self.api = api
        self.store = store
        self.network = network
        self.logger = logger
        if let list = Self.kept(store, logger) {
            current = Monitor(list)
            let refused = store.refusedList
            attempts.withLock { $0.refused = refused }
        } else {
            current = Monitor(try Self.fetch(api, store, logger, comparedWith: nil).wait().get())
        }
    }

    /// The list now.
    var list: SpecimenList { current.withLock { $0 } }

    /// The newest list, where it was not taken.
    var refused: RefusedList? { attempts.withLock { $0.refused } }

    /// Calls `observer`, on a worker, with every list that arrives.
    func onChange(_ observer: @escaping @Sendable (SpecimenList) -> Void) {
        observers.withLock { $0.append(observer) }
    }

    /// Starts a refresh when the list is old, and writes the catalogue again when its file was deleted. Cheap while all is
    /// well. A refresh runs in the background; after a failure the last good list stays.
    func look() {
        do throws(CatalogueError) {
            try store.restoreIfDeleted()
        } catch {
            logger.warning(
                "the catalogue that was deleted could not be written again", metadata: ["reason": "\(error)"])
        }
        let isDue = attempts.withLock { attempts in
            attempts.last.map { Instant.now.seconds(since: $0) >= Self.pause } ?? true
        }
        guard isDue, !isFresh(checkedAt: list.fetchedAt, for: Self.freshness), !network.isOffline else { return }
        _ = refresh(acceptsLosses: false)
    }

    /// Fetches the list again, whatever its age.
    ///
    /// - Parameter acceptsLosses: whether to take a list that lacks more than a tenth of what is known.
    /// - Returns: the list, on a worker; `cancelled` when a refresh is under way already.
    func refresh(acceptsLosses: Bool) -> Promise<SpecimenList, SourceError> {
        let mayStart = attempts.withLock { attempts in
            guard !attempts.isUnderWay else { return false }
            attempts.isUnderWay = true
            attempts.last = .now
            return true
        }
        guard mayStart else { return Promise(.failure(.cancelled)) }
        let (promise, resolver) = Promise<SpecimenList, SourceError>.pending()
        Self.fetch(api, store, logger, comparedWith: acceptsLosses ? nil : list).whenDone { [self] result in
            take(result)
            attempts.withLock { $0.isUnderWay = false }
            resolver.resolve(result)
        }
        return promise
    }

    private func take(_ result: Result<SpecimenList, SourceError>) {
        switch result {
        case .success(let list):
            current.withLock { $0 = list }
            note(refused: nil)
            for observer in observers.withLock({ $0 }) { observer(list) }
        case .failure(let error):
            if case .losesTooMuch(let loss)? = error.cause as? CatalogueError {
                note(refused: RefusedList(time: wallClockSeconds(), reason: "\(loss)"))
            }
            logger.warning(
                "the catalogue could not be refreshed; the last good one is served",
                metadata: ["endpoint": "\(api.endpoint)", "reason": "\(error)"])
        }
    }

    /// Remembers, also for the next mount, whether the newest list was not taken.
    private func note(refused: RefusedList?) {
        let isNews = attempts.withLock { attempts in
            defer { attempts.refused = refused }
            return attempts.refused != refused
        }
        if isNews { store.keep(refused) }
    }

    private static func kept(_ store: CatalogueStore, _ logger: Logger) -> SpecimenList? {
        do throws(CatalogueError) {
            return try store.loadList()
        } catch {
            logger.warning("the catalogue on disk is unreadable", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    /// Fetches a list and keeps it, unless it lacks too much of `known`.
    private static func fetch(
        _ api: AllenAPI, _ store: CatalogueStore, _ logger: Logger, comparedWith known: SpecimenList?
    ) -> Promise<SpecimenList, SourceError> {
        api.cells().flatMap { rows in
            do throws(CatalogueError) {
                let update = try store.replaceCells(
                    rows: rows.rows, totalRows: rows.total, comparedWith: known, at: wallClockSeconds())
                guard let list = try store.loadList() else { throw .incomplete(expected: rows.total, got: 0) }
                for issue in update.issues { logger.notice("\(issue)") }
                return Promise(.success(list))
            } catch {
                return Promise(.failure(SourceError(error)))
            }
        }
    }
}
