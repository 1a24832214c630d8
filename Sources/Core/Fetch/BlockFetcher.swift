package import BlockStore
package import Logging
package import Specimens
package import Support

/// Gets blocks from the store or from their source, each at most once at a time.
///
/// Any number of readers of a block share one flight and one request. Look-ups, decoding and writes to the store run on the
/// workers; no call here waits for anything. Completions are called exactly once, on a worker as a rule, with no lock held,
/// and never on the stack of the ``fetch(_:lane:token:completion:)`` that asked for them.
package final class BlockFetcher: Sendable {
    /// How many blocks may be on their way with no reader, queued ones included.
    package static let defaultPrefetchLimit = 64

    struct State {
        var flights: [FlightKey: Flight] = [:]
        var lastNumber: UInt64 = 0
        /// Flights without a waiter whose block has not arrived.
        var prefetchesNow = 0
        var ledger = PrefetchLedger()
        var isShutDown = false
    }

    private let store: (any BlockStore)?
    let identity: String
    /// Gets the blocks that the store does not have.
    package let source: any BlockSource
    /// What is known of the objects.
    package let registry: ObjectRegistry
    /// The threads for disk and decoding.
    package let workers: WorkerPool
    let logger: Logger
    let counters = FetchCounters()
    let prefetchLimit: Int
    /// Lock order: before the store's own locks; nothing is called out under it.
    let state = Monitor(State())

    /// A fetcher.
    ///
    /// - Parameters:
    ///   - store: where blocks are kept; nil serves everything from the source and prefetches nothing.
    ///   - identity: names the source. It is part of what names a block: two sources may have objects of the same id and
    ///     version, or none, and other bytes.
    ///   - registry: has the versions of objects that are read before their version is known.
    ///   - workers: runs disk access, decoding and completions. Shut down after the fetcher.
    ///   - prefetchLimit: blocks under way with no reader, above which further ones are dropped.
    package init(
        store: (any BlockStore)?, identity: String, source: any BlockSource, registry: ObjectRegistry,
        workers: WorkerPool, prefetchLimit: Int = BlockFetcher.defaultPrefetchLimit, logger: Logger
    ) {
        self.store = store
        self.identity = identity
        self.source = source
        self.registry = registry
        self.workers = workers
        self.logger = logger
        self.prefetchLimit = prefetchLimit
        source.attach(self)
    }

    /// Gets a block for a reader.
    ///
    /// - Parameters:
    ///   - lane: demand when a reader waits, which also promotes a flight begun to prefetch.
    ///   - token: when it is cancelled the reader leaves the flight and its completion gets ``FetchError/cancelled`` at
    ///     once, on the thread that cancels. With the last reader the request is cancelled, unless read-ahead wants the
    ///     block. The token keeps a small record of every fetch until `finish()`.
    ///   - completion: called exactly once.
    package func fetch(
        _ request: BlockRequest, lane: Lane, token: CancellationToken,
        completion: @escaping @Sendable (Result<FetchedBlock, FetchError>) -> Void
    ) {
        let waiter = Waiter(request, waiting: counters.waitingReaders, completion: completion)
        defer { waiter.release(on: workers) }
        guard !token.isCancelled else {
            waiter.finish(.failure(.cancelled))
            return
        }
        let key = FlightKey(request)
        let number = join(waiter, key, isDemand: lane == .demand)
        guard let number else { return }
        token.onCancel { [weak self, weak waiter] in
            guard let waiter else { return }
            self?.leave(key, number, waiter)
            waiter.finish(.failure(.cancelled))
        }
    }

    /// Where the block of a request is kept; nil where nothing is kept of its object.
    func store(for request: BlockRequest) -> (any BlockStore)? {
        source.isLocal(request.object.id) ? nil : store
    }

    /// A part of a block if the memory of the store has it, without a change of thread: FUSE threads may call this.
    ///
    /// For blocks that the codec only measures: nothing is decoded here.
    ///
    /// - Parameters:
    ///   - part: bytes of the block.
    ///   - length: bytes of the whole block.
    package func readNow(_ request: BlockRequest, _ part: Range<Int>, of length: Int) -> [UInt8]? {
        guard let store = store(for: request), let version = request.expected,
            case .block(let bytes) = store.readNow(blockKey(request, version), BlockSlice(part, of: length))
        else { return nil }
        counters.fromStore.add()
        state.withLock { $0.ledger.noteWanted(FlightKey(request)) }
        return bytes
    }

    /// Whether the store seems to have a block, without proof. Answered from memory as a rule. A block of a local object is
    /// where it should be.
    package func contains(_ request: BlockRequest) -> Bool {
        if source.isLocal(request.object.id) { return true }
        guard let store = store(for: request), let version = request.expected else { return false }
        return store.contains(blockKey(request, version))
    }

    /// Whether the store has a block now, sound or not. Looks at the disk, on the calling thread. A block of a local object
    /// is where it should be.
    package func isKept(_ request: BlockRequest) -> Bool {
        if source.isLocal(request.object.id) { return true }
        guard let store = store(for: request), let version = request.expected else { return false }
        return store.isKept(blockKey(request, version))
    }

    /// Cancels every request and ends every reader with ``FetchError/shutDown``, on this thread. Later fetches end likewise.
    package func shutDown() {
        let flights = state.withLock { state in
            state.isShutDown = true
            defer {
                state.flights = [:]
                state.prefetchesNow = 0
            }
            return Array(state.flights.values)
        }
        for flight in flights {
            flight.exchange?.cancel()
            for waiter in flight.waiters.values { waiter.finish(.failure(.shutDown)) }
        }
        source.shutDown()
    }

    /// Counts since the fetcher was made.
    package var statistics: FetchStatistics {
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
        result.fromStore = counters.fromStore.value
        result.requests = source.requestCount
        result.refetched = counters.refetched.value
        result.abandoned = counters.abandoned.value
        result.offlineRefusals = counters.offlineRefusals.value
        result.prefetchDropped = counters.prefetchDropped.value
        result.unreachableHosts = source.unreachable
        return result
    }
}

extension BlockFetcher: BlockTaker {
    package var takesBlocks: Bool { store != nil }

    package func changed(_ records: [ObjectRecord]) { registry.learn(records) }

    package func take(_ block: SourceBlock, _ request: BlockRequest) {
        guard let store = store(for: request) else { return }
        let key = blockKey(request, block.version)
        if !store.contains(key) { store.write(key, block.bytes, fetchCost: block.seconds) }
    }
}
