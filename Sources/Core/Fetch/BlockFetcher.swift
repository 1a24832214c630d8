package import BlockStore
package import Logging
public import Support
public import Transport

/// Gets blocks from the cache or from their source, each at most once at a time.
///
/// Any number of readers of a block share one flight and one request. Disk look-ups, checks and cache writes run on the
/// workers; no call here waits for anything. Completions are called exactly once, on a worker as a rule, with no lock held,
/// and never on the stack of the ``fetch(_:lane:token:completion:)`` that asked for them.
public final class BlockFetcher: Sendable {
    /// How many blocks may be on their way with no reader, queued ones included.
    public static let defaultPrefetchLimit = 64
    /// Extents of all passes over whole files together in memory on their way to the cache: 32 MiB.
    static let mostPendingExtents = 32

    struct State {
        var flights: [FlightKey: Flight] = [:]
        var lastNumber: UInt64 = 0
        /// Flights that have not landed and for which nobody waits.
        var prefetchesNow = 0
        var ledger = PrefetchLedger()
        /// Passes over whole files.
        var streams: [ObjectIdentifier: WholeStream] = [:]
        /// Extents of these passes in memory on their way to the cache.
        var pendingExtents = 0
        var isOffline: Bool
        var isShutDown = false
    }

    let cache: (any BlockStore)?
    let database: String
    let source: any BlockSource
    let workers: WorkerPool
    let logger: Logger
    let circuit: NetworkCircuit
    let counters = FetchCounters()
    let prefetchLimit: Int
    /// Lock order: before the cache's index, which is never asked under it; nothing is called out under it.
    let state: Monitor<State>

    /// A fetcher.
    ///
    /// - Parameters:
    ///   - cache: where blocks are kept; nil serves everything from the source and prefetches nothing.
    ///   - database: names where the objects come from, for example the base of the API. Part of what names a block: two
    ///     servers may have objects of the same id and version, or none, and other bytes.
    ///   - workers: runs disk access, checks and completions. Shut down after the fetcher.
    ///   - isOffline: whether to begin in offline mode; see ``setOffline(_:)``.
    ///   - prefetchLimit: blocks under way with no reader, above which further ones are dropped.
    package convenience init(
        cache: (any BlockStore)?, database: String, source: any BlockSource, workers: WorkerPool,
        isOffline: Bool = false, prefetchLimit: Int = BlockFetcher.defaultPrefetchLimit, logger: Logger
    ) {
        self.init(
            cache: cache, database: database, source: source, workers: workers, isOffline: isOffline,
            prefetchLimit: prefetchLimit,
            logger: logger, circuit: NetworkCircuit.Settings())
    }

    init(
        cache: (any BlockStore)?, database: String, source: any BlockSource, workers: WorkerPool, isOffline: Bool,
        prefetchLimit: Int, logger: Logger, circuit: NetworkCircuit.Settings
    ) {
        self.cache = cache
        self.database = database
        self.source = source
        self.workers = workers
        self.logger = logger
        self.prefetchLimit = prefetchLimit
        self.circuit = NetworkCircuit(source: source, settings: circuit, logger: logger)
        state = Monitor(State(isOffline: isOffline))
    }

    deinit { circuit.close() }

    /// Gets a block for a reader.
    ///
    /// - Parameters:
    ///   - lane: demand when a reader waits, which also promotes a flight begun to prefetch.
    ///   - token: when it is cancelled the reader leaves the flight and its completion gets ``FetchError/cancelled`` at
    ///     once, on the thread that cancels. With the last reader the request is cancelled, unless somebody wants the
    ///     block ahead of a reader. The token keeps a small record of every fetch until `finish()`.
    ///   - completion: called exactly once.
    public func fetch(
        _ plan: BlockPlan, lane: Lane, token: CancellationToken,
        completion: @escaping @Sendable (Result<FetchedBlock, FetchError>) -> Void
    ) {
        let reader = Reader(plan: plan, waiting: counters.waitingReaders, completion: completion)
        defer { reader.release(on: workers) }
        guard !token.isCancelled else {
            reader.finish(.failure(.cancelled))
            return
        }
        let key = FlightKey(plan)
        let number = board(reader, key, isDemand: lane == .demand)
        guard let number else { return }
        token.onCancel { [weak self, weak reader] in
            guard let reader else { return }
            self?.leave(key, number, reader)
            reader.finish(.failure(.cancelled))
        }
    }

    /// A block from the cache alone, read on the calling thread; nil when it is not there.
    ///
    /// For callers that may touch the disk and want to answer a hit without a change of thread.
    public func cached(_ plan: BlockPlan) -> FetchedBlock? {
        guard let block = readCache(plan) else { return nil }
        state.withLock { $0.ledger.noteWanted(FlightKey(plan)) }
        return block
    }

    /// Whether the cache's directory holds a block now, sound or not. Looks at the disk, on the calling thread.
    public func isOnDisk(_ plan: BlockPlan) -> Bool {
        guard let cache, let validator = plan.validator else { return false }
        return cache.isKept(blockKey(plan, validator))
    }

    /// Switches offline mode: while it is on, blocks that are not in the cache fail at once with
    /// ``FetchError/offline(_:)``. Requests under way go on.
    public func setOffline(_ isOffline: Bool) { state.withLock { $0.isOffline = isOffline } }

    /// Why a request to `url` should not be made now: offline mode, or a host known to be out of reach. For requests
    /// that are not for blocks, so that metadata fails as fast as data.
    public func refusal(of url: String) -> OfflineReason? { isOffline ? .switchedOff : circuit.refusal(url) }

    /// Notes how a request made elsewhere ended; see ``refusal(of:)``.
    public func note(_ result: Result<HTTPResponse, TransportError>, of request: HTTPRequest) {
        circuit.note(result, of: request)
    }

    /// Whether offline mode is on.
    public var isOffline: Bool { state.withLock { $0.isOffline } }

    /// Cancels every request and ends every reader with ``FetchError/shutDown``, on this thread. Later fetches end likewise.
    public func shutDown() {
        let (flights, streams) = state.withLock { state in
            state.isShutDown = true
            defer {
                state.flights = [:]
                state.prefetchesNow = 0
            }
            return (Array(state.flights.values), Array(state.streams.values))
        }
        for flight in flights {
            flight.exchange?.cancel()
            for reader in flight.readers.values { reader.finish(.failure(.shutDown)) }
        }
        for stream in streams { stream.end(.failure(.shutDown)) }
        circuit.close()
    }

    /// Counts since the fetcher was made.
    public var statistics: FetchStatistics {
        var result = FetchStatistics()
        state.withLock { state in
            result.flightsNow = state.flights.count
            result.prefetched = state.ledger.fetched
            result.prefetchedUsed = state.ledger.used
            result.prefetchedWasted = state.ledger.wasted
        }
        result.flights = counters.flights.value
        result.joined = counters.joined.value
        result.waitingReaders = counters.waitingReaders.value
        result.fromCache = counters.fromCache.value
        result.requests = counters.requests.value
        result.refetched = counters.refetched.value
        result.abandoned = counters.abandoned.value
        result.offlineRefusals = counters.offlineRefusals.value
        result.prefetchDropped = counters.prefetchDropped.value
        result.unreachableHosts = circuit.unreachableHosts
        return result
    }
}
