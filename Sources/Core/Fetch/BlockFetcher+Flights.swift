import BlockStore
import Logging
import Specimens
import Support

// What happens to a flight: look into the store, ask the source, decode, answer, store. BlockFetcher+Failures.swift has what
// goes wrong.
extension BlockFetcher {
    func submitLook(_ key: FlightKey, _ number: UInt64, _ lane: Lane) {
        if !workers.submit(lane, { self.look(key, number) }) { end(key, number, .shutDown) }
    }

    func blockKey(_ request: BlockRequest, _ version: String) -> BlockKey {
        let object = ObjectIdentity(
            id: request.blockName, validator: "\(version) of \(identity)", length: request.part.objectLength)
        return BlockKey(object: object, index: request.part.index)
    }

    private func look(_ key: FlightKey, _ number: UInt64) {
        let request = state.withLock { state -> BlockRequest? in
            guard let flight = state.flights[key], flight.number == number, case .queued = flight.phase else {
                return nil
            }
            state.flights[key]?.phase = .looking
            return flight.request
        }
        guard let request else { return }
        if isNotWorthReading(request, key, number) { return }
        kept(request) { [self] block in
            guard let block else { return self.request(key, number) }
            counters.fromStore.add()
            let flight = state.withLock { remove(key, number, &$0) }
            answer(flight, block)
        }
    }

    /// Gives the block that the store has to `body`; nil when there is none, while its version is not known, and when its
    /// bytes cannot be decoded. On a worker, as the caller is; `body` also runs on one, at once where the store is local.
    func kept(_ request: BlockRequest, body: @escaping @Sendable (FetchedBlock?) -> Void) {
        guard let store = store(for: request) else { return body(nil) }
        guard let version = request.expected ?? registry.cached(request.object.id)?.validator else {
            store.noteUnnamedMiss()
            return body(nil)
        }
        let reading = store.read(blockKey(request, version), token: CancellationToken(lane: request.lane))
        if case .success(let bytes)? = reading.result { return body(bytes.flatMap { decode($0, version, request) }) }
        // A store that is far away answers on a thread of its own, on which nothing is decoded.
        reading.whenDone { [self] result in
            guard case .success(let bytes) = result else { return }
            let decodes = workers.submit(request.lane) { [self] in body(bytes.flatMap { decode($0, version, request) })
            }
            if !decodes { body(nil) }
        }
    }

    /// The block as readers get it; nil when the bytes are none of this source's, and then the source is asked.
    func decode(_ bytes: [UInt8], _ version: String, _ request: BlockRequest) -> FetchedBlock? {
        do throws(BlockFault) {
            let pixels = try source.codec.decode(bytes, request.part, of: request.object)
            return FetchedBlock(bytes: bytes, pixels: pixels, version: version, isFromStore: true)
        } catch {
            logger.warning(
                "a block of the cache cannot be decoded and is fetched again",
                metadata: [
                    "object": "\(request.blockName)", "index": "\(request.part.index)", "reason": "\(error.reason)",
                ])
            return nil
        }
    }

    /// Ends a prefetch of what the store has already, without reading it.
    private func isNotWorthReading(_ request: BlockRequest, _ key: FlightKey, _ number: UInt64) -> Bool {
        guard let store = store(for: request), let version = request.expected,
            store.contains(blockKey(request, version))
        else {
            return false
        }
        return state.withLock { state in
            guard let flight = state.flights[key], flight.number == number, flight.waiters.isEmpty else { return false }
            return remove(key, number, &state) != nil
        }
    }

    func request(_ key: FlightKey, _ number: UInt64) {
        let flight = state.withLock { state -> Flight? in
            guard var flight = state.flights[key], flight.number == number else { return nil }
            flight.phase = .requested
            flight.requestIsDemand = flight.isDemand
            flight.exchange = nil
            flight.requests += 1
            state.flights[key] = flight
            return flight
        }
        guard let flight else { return }
        if let outage = source.outage(for: flight.request.object.id) {
            end(key, number, .offline(outage))
            return
        }
        var request = flight.request
        request.lane = flight.isDemand ? .demand : .prefetch
        let started = request
        let exchange = source.start(request) { result in
            self.deliver(Flight.Reply(request: started, result: result), key, number)
        }
        keep(exchange, key, number, request: flight.requests)
    }

    /// Notes the exchange, and makes up for what happened to the flight while it was being started.
    private func keep(_ exchange: any BlockExchange, _ key: FlightKey, _ number: UInt64, request: Int) {
        let (isGone, isPromoted) = state.withLock { state -> (Bool, Bool) in
            guard var flight = state.flights[key], flight.number == number else { return (true, false) }
            // A reply that came first may have led to the next request already.
            guard case .requested = flight.phase, flight.requests == request else { return (false, false) }
            flight.exchange = exchange
            let isPromoted = flight.isDemand && !flight.requestIsDemand
            flight.requestIsDemand = flight.isDemand
            state.flights[key] = flight
            return (false, isPromoted)
        }
        if isGone {
            // Harmless when it has ended.
            exchange.cancel()
        } else if isPromoted {
            exchange.promote()
        }
    }

    /// Leaves a reply with its flight, for a worker of the lane the flight is in by now.
    private func deliver(_ reply: Flight.Reply, _ key: FlightKey, _ number: UInt64) {
        let lane = state.withLock { state -> Lane? in
            guard let flight = state.flights[key], flight.number == number else { return nil }
            state.flights[key]?.reply = reply
            return flight.isDemand ? .demand : .prefetch
        }
        if let lane { submitReceive(key, number, lane) }
    }

    /// Has a worker take the reply of a flight. Of several the first to begin does it.
    func submitReceive(_ key: FlightKey, _ number: UInt64, _ lane: Lane) {
        if !workers.submit(lane, { self.receive(key, number) }) { end(key, number, .shutDown) }
    }

    private func receive(_ key: FlightKey, _ number: UInt64) {
        let taken = state.withLock { state -> (BlockRequest, Flight.Reply)? in
            guard let flight = state.flights[key], flight.number == number, let reply = flight.reply else { return nil }
            state.flights[key]?.reply = nil
            return (flight.request, reply)
        }
        guard let (request, reply) = taken else { return }
        switch reply.result {
        case .failure(let error): receiveFailure(key, number, request, reply.request, error)
        case .success(let block): receive(key, number, request, block)
        }
    }

    private func receive(_ key: FlightKey, _ number: UInt64, _ request: BlockRequest, _ reply: SourceBlock) {
        let pixels: [UInt8]?
        do throws(BlockFault) {
            // First: a wrong reply, which often carries no version either, is no news of the object.
            pixels = try source.codec.decode(reply.bytes, request.part, of: request.object)
        } catch {
            return retryWrong(key, number, request, error.reason, reply.version)
        }
        // Before the block is stored or given to anyone, so that no block is stored under a name that a later process
        // cannot know.
        if request.expected == nil { registry.learnVersion(reply.version, of: request.object.id) }
        let block = FetchedBlock(bytes: reply.bytes, pixels: pixels, version: reply.version, isFromStore: false)
        guard let (flight, isKept) = state.withLock({ arrive(key, number, block, &$0) }) else { return }
        // Answered before it is stored: the reader need not wait for the disk. A background reader reads for the sake of
        // the disk, and waits for it.
        let storesFirst = isKept && !flight.isDemand
        if !storesFirst { answer(flight, block) }
        guard isKept, let store = store(for: request) else { return }
        store.write(blockKey(request, reply.version), block.bytes, fetchCost: reply.seconds).whenDone { [self] _ in
            if storesFirst { answer(flight, block) }
            state.withLock { state in
                let arrived = remove(key, number, &state)
                if flight.isPrefetch, let arrived { state.ledger.noteFetched(key, isUsed: arrived.wasWanted) }
            }
        }
    }

    /// Ends the waiting of a flight whose block has arrived, and returns it with its waiters. The flight stays in the table
    /// if the block is to be kept: it is not when there is no store for it, or when no reader of the flight expects its version.
    private func arrive(
        _ key: FlightKey, _ number: UInt64, _ block: FetchedBlock, _ state: inout State
    ) -> (Flight, isKept: Bool)? {
        guard let flight = state.flights[key], flight.number == number else { return nil }
        let isExpected =
            flight.request.accepts(block.version)
            || flight.waiters.values.contains { $0.request.accepts(block.version) }
        guard store(for: flight.request) != nil, isExpected else {
            return remove(key, number, &state).map { ($0, false) }
        }
        if flight.waiters.isEmpty { state.prefetchesNow -= 1 }
        state.flights[key]?.phase = .arrived(block)
        state.flights[key]?.waiters = [:]
        return (flight, true)
    }

    /// Gives a block to the waiters of its flight, or the change: each compares it with the version it expects.
    private func answer(_ flight: Flight?, _ block: FetchedBlock) {
        guard let flight else { return }
        for waiter in flight.waiters.values {
            if waiter.request.accepts(block.version) {
                waiter.finish(.success(block))
            } else {
                fail(
                    waiter, begunWith: flight.request,
                    .changedUpstream(
                        id: flight.request.object.id, old: waiter.request.expected ?? "", new: block.version))
            }
        }
    }
}
