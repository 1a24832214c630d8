public import Catalogue
internal import Fetch
internal import Logging
internal import Support

/// The list of cells: the last good one from disk, and a newer one from the origin when there is one.
public final class CatalogueService: Sendable {
    private let origin: Origin
    private let current: Monitor<CatalogueSnapshot>
    private let observers = Monitor<[@Sendable (CatalogueSnapshot) -> Void]>([])
    private let isRefreshing = Monitor(false)

    /// Seconds after which the list is looked at again. The database has had 2333 cells for years; a day is fresh.
    public static let freshness = 86_400.0

    /// Brings up the catalogue: from disk when it holds one, else from the origin.
    ///
    /// Blocks until then: for the start of a mount, never for a thread that serves.
    ///
    /// - Parameter isStopped: asked every 100 ms whether to give up.
    /// - Throws: the reason why there is neither; the message names the host. `cancelled` when it was stopped.
    public init(origin: Origin, isStopped: () -> Bool) throws(SpecimenDataError) {
        self.origin = origin
        if let snapshot = Self.load(origin) {
            current = Monitor(snapshot)
            return
        }
        let outcome = Monitor<Result<CatalogueSnapshot, SpecimenDataError>?>(nil)
        let token = CancellationToken()
        Self.fetch(origin, token: token) { result in outcome.update { $0 = result } }
        while true {
            if let result = outcome.wait(until: Instant.now.advanced(bySeconds: 0.1), { $0 }) {
                current = Monitor(try result.get())
                return
            }
            guard !isStopped() else {
                token.cancel()
                throw .cancelled
            }
        }
    }

    /// The list of cells now.
    public var snapshot: CatalogueSnapshot { current.withLock { $0 } }

    /// Calls `observer`, on a worker, with every newer list.
    public func onChange(_ observer: @escaping @Sendable (CatalogueSnapshot) -> Void) {
        observers.withLock { $0.append(observer) }
    }

    /// Fetches the list again if it is older than ``freshness``, in the background. Failure keeps the last good one.
    public func refreshIfStale() {
        // A time to come is as good as none: a clock was wrong.
        if abs(wallClockSeconds() - snapshot.fetchedAt) > Self.freshness { refresh { _ in } }
    }

    /// Fetches the list again, whatever its age.
    ///
    /// - Parameter completion: called once with the list, on a worker; `cancelled` when a refresh is under way already.
    public func refresh(completion: @escaping @Sendable (Result<CatalogueSnapshot, SpecimenDataError>) -> Void) {
        let mayStart = isRefreshing.withLock { busy in
            defer { busy = true }
            return !busy
        }
        guard mayStart else { return completion(.failure(.cancelled)) }
        Self.fetch(origin, token: CancellationToken()) { [self] result in
            isRefreshing.withLock { $0 = false }
            switch result {
            case .success(let snapshot):
                current.withLock { $0 = snapshot }
                for observer in observers.withLock({ $0 }) { observer(snapshot) }
            case .failure(let error):
                origin.logger.warning(
                    "the catalogue could not be refreshed; the last good one is served",
                    metadata: ["endpoint": "\(origin.endpoint)", "reason": "\(error)"])
            }
            completion(result)
        }
    }

    private static func load(_ origin: Origin) -> CatalogueSnapshot? {
        do throws(CatalogueError) {
            return try origin.store.loadSnapshot()
        } catch {
            origin.logger.warning("the catalogue on disk is unreadable", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    private static func fetch(
        _ origin: Origin, token: CancellationToken,
        completion: @escaping @Sendable (Result<CatalogueSnapshot, SpecimenDataError>) -> Void
    ) {
        let endpoint = origin.endpoint
        origin.rows({ RMA.cellsURL(base: endpoint, startRow: $0) }, token: token) { outcome in
            let rows: RMARows
            switch outcome {
            case .failure(let error): return completion(.failure(error))
            case .success(let arrived): rows = arrived
            }
            do throws(CatalogueError) {
                _ = try origin.store.replaceCells(rows: rows.rows, totalRows: rows.total, at: wallClockSeconds())
                guard let snapshot = try origin.store.loadSnapshot() else {
                    return completion(.failure(.catalogue(.incomplete(expected: rows.total, got: 0))))
                }
                for issue in snapshot.issues { origin.logger.notice("\(issue)") }
                completion(.success(snapshot))
            } catch {
                completion(.failure(.catalogue(error)))
            }
        }
    }
}
