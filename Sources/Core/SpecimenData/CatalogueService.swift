internal import Catalogue
internal import Fetch
internal import Logging
package import Specimens
internal import Support

/// The list of cells: the last good one from disk, and a newer one from the origin when there is one.
public final class CatalogueService: Sendable {
    private let origin: Origin
    private let current: Monitor<SpecimenList>
    private let observers = Monitor<[@Sendable (SpecimenList) -> Void]>([])
    private let attempts = Monitor(Attempts())

    private struct Attempts {
        var isUnderWay = false
        /// When the last one began.
        var last: Instant?
        var refused: RefusedList?
    }

    /// Seconds after which the list is looked at again. The database has had 2333 cells for years; a day is fresh.
    public static let freshness = 86_400.0
    /// Seconds between two looks of which the first brought no list.
    static let pause = 3600.0

    /// Brings up the catalogue: from disk when it holds one, else from the origin.
    ///
    /// Blocks until then: for the start of a mount, never for a thread that serves.
    ///
    /// - Throws: the reason why there is neither; the message names the host.
    public init(origin: Origin) throws(SpecimenDataError) {
        self.origin = origin
        if let snapshot = Self.load(origin) {
            current = Monitor(snapshot)
            let refused = RefusedList.kept(in: origin.store, origin.logger)
            attempts.withLock { $0.refused = refused }
            return
        }
        let outcome = Monitor<Result<SpecimenList, SpecimenDataError>?>(nil)
        Self.fetch(origin, comparedWith: nil) { result in outcome.update { $0 = result } }
        current = Monitor(try outcome.wait { $0 }.get())
    }

    /// The list of cells now.
    package var snapshot: SpecimenList { current.withLock { $0 } }

    /// The newest list, where that was not taken because it lacks too much.
    public var refused: RefusedList? { attempts.withLock { $0.refused } }

    /// Calls `observer`, on a worker, with every newer list.
    package func onChange(_ observer: @escaping @Sendable (SpecimenList) -> Void) {
        observers.withLock { $0.append(observer) }
    }

    /// Sees to it that the list is fresh and that it is on disk. To be called every few seconds: it costs nothing while all is
    /// well. What is fetched comes in the background; failure keeps the last good list.
    public func look() {
        do throws(CatalogueError) {
            try origin.store.restoreIfDeleted()
        } catch {
            origin.logger.warning(
                "the catalogue that was deleted could not be written again", metadata: ["reason": "\(error)"])
        }
        let isDue = attempts.withLock { attempts in
            attempts.last.map { Instant.now.seconds(since: $0) >= Self.pause } ?? true
        }
        guard isDue, !isFresh(checkedAt: snapshot.fetchedAt, for: Self.freshness), !origin.fetcher.isOffline else {
            return
        }
        refresh { _ in }
    }

    /// Fetches the list again, whatever its age.
    ///
    /// - Parameters:
    ///   - acceptsLosses: whether to take the list although it lacks more than a tenth of what is known.
    ///   - completion: called once with the list, on a worker; `cancelled` when a refresh is under way already.
    package func refresh(
        acceptsLosses: Bool = false,
        completion: @escaping @Sendable (Result<SpecimenList, SpecimenDataError>) -> Void
    ) {
        let mayStart = attempts.withLock { attempts in
            guard !attempts.isUnderWay else { return false }
            attempts.isUnderWay = true
            attempts.last = .now
            return true
        }
        guard mayStart else { return completion(.failure(.cancelled)) }
        Self.fetch(origin, comparedWith: acceptsLosses ? nil : snapshot) { [self] result in
            switch result {
            case .success(let snapshot):
                current.withLock { $0 = snapshot }
                note(refused: nil)
                for observer in observers.withLock({ $0 }) { observer(snapshot) }
            case .failure(let error):
                if case .catalogue(.losesTooMuch(let loss)) = error {
                    note(refused: RefusedList(time: wallClockSeconds(), reason: "\(loss)"))
                }
                origin.logger.warning(
                    "the catalogue could not be refreshed; the last good one is served",
                    metadata: ["endpoint": "\(origin.endpoint)", "reason": "\(error)"])
            }
            attempts.withLock { $0.isUnderWay = false }
            completion(result)
        }
    }

    /// Remembers, also for the next mount, whether the newest list was not taken.
    private func note(refused: RefusedList?) {
        let isNews = attempts.withLock { attempts in
            defer { attempts.refused = refused }
            return attempts.refused != refused
        }
        if isNews { RefusedList.keep(refused, in: origin.store, origin.logger) }
    }

    private static func load(_ origin: Origin) -> SpecimenList? {
        do throws(CatalogueError) {
            return try origin.store.loadSnapshot()
        } catch {
            origin.logger.warning("the catalogue on disk is unreadable", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    private static func fetch(
        _ origin: Origin, comparedWith known: SpecimenList?,
        completion: @escaping @Sendable (Result<SpecimenList, SpecimenDataError>) -> Void
    ) {
        let endpoint = origin.endpoint
        origin.rows(
            { RMA.cellsURL(base: endpoint, startRow: $0) }, within: .cells, token: CancellationToken()
        ) { outcome in
            let rows: RMARows
            switch outcome {
            case .failure(let error): return completion(.failure(error))
            case .success(let arrived): rows = arrived
            }
            do throws(CatalogueError) {
                let update = try origin.store.replaceCells(
                    rows: rows.rows, totalRows: rows.total, comparedWith: known, at: wallClockSeconds())
                guard let snapshot = try origin.store.loadSnapshot() else {
                    return completion(.failure(.catalogue(.incomplete(expected: rows.total, got: 0))))
                }
                for issue in update.issues { origin.logger.notice("\(issue)") }
                completion(.success(snapshot))
            } catch {
                completion(.failure(.catalogue(error)))
            }
        }
    }
}
