import BlockStore
import Support
import Transport

// What happens to a flight: look in the cache, ask the source, check, answer, store. BlockFetcher+Failures.swift has what
// goes wrong.
extension BlockFetcher {
    func submitLook(_ key: FlightKey, _ number: UInt64, _ lane: Lane) {
        if !workers.submit(lane, { self.look(key, number) }) { end(key, number, .shutDown) }
    }

    func readCache(_ plan: BlockPlan) -> FetchedBlock? {
        guard let cache else { return nil }
        guard let validator = plan.validator ?? plan.recall() else {
            cache.noteUnnamedMiss()
            return nil
        }
        // The store is local, so that the promise is resolved.
        let read = cache.read(blockKey(plan, validator), token: CancellationToken())
        guard let bytes = read.result?.get() ?? nil else { return nil }
        counters.fromCache.add()
        return FetchedBlock(bytes: bytes, validator: validator, fromCache: true)
    }

    func blockKey(_ plan: BlockPlan, _ validator: String) -> BlockKey {
        let object = ObjectIdentity(id: plan.id, validator: "\(validator) of \(database)", length: plan.length)
        return BlockKey(object: object, index: plan.index)
    }

    private func look(_ key: FlightKey, _ number: UInt64) {
        let plan = state.withLock { state -> BlockPlan? in
            guard let flight = state.flights[key], flight.number == number, case .queued = flight.phase else {
                return nil
            }
            state.flights[key]?.phase = .looking
            return flight.plan
        }
        guard let plan else { return }
        if isNotWorthReading(plan, key, number) { return }
        if let block = readCache(plan) {
            let flight = state.withLock { takeOff(key, number, &$0) }
            answer(flight, block)
        } else {
            request(key, number)
        }
    }

    /// Ends a prefetch of what the cache has already, without reading it.
    private func isNotWorthReading(_ plan: BlockPlan, _ key: FlightKey, _ number: UInt64) -> Bool {
        guard let cache, let validator = plan.validator, cache.contains(blockKey(plan, validator)) else { return false }
        return state.withLock { state in
            guard let flight = state.flights[key], flight.number == number, flight.readers.isEmpty else { return false }
            return takeOff(key, number, &state) != nil
        }
    }

    func request(_ key: FlightKey, _ number: UInt64) {
        let (flight, isOffline) = state.withLock { state -> (Flight?, Bool) in
            guard var flight = state.flights[key], flight.number == number else { return (nil, false) }
            flight.phase = .requested
            flight.requestIsDemand = flight.isDemand
            flight.exchange = nil
            flight.requests += 1
            state.flights[key] = flight
            return (flight, state.isOffline)
        }
        guard let flight else { return }
        if let reason = isOffline ? .switchedOff : circuit.refusal(flight.plan.request.url) {
            end(key, number, .offline(reason))
            return
        }
        counters.requests.add()
        var request = flight.plan.request
        request.lane = flight.isDemand ? .demand : .prefetch
        request.object = flight.plan.id
        let started = request
        let exchange = source.start(request) { result in
            self.circuit.note(result, of: started)
            self.deliver(Flight.Reply(request: started, result: result), key, number)
        }
        keep(exchange, key, number, request: flight.requests)
    }

    /// Files the exchange, and makes up for what happened to the flight while it was being started.
    private func keep(_ exchange: any SourceExchange, _ key: FlightKey, _ number: UInt64, request: Int) {
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

    /// Has a worker check the reply of a flight. Of several the first to begin does it.
    func submitReceive(_ key: FlightKey, _ number: UInt64, _ lane: Lane) {
        if !workers.submit(lane, { self.receive(key, number) }) { end(key, number, .shutDown) }
    }

    private func receive(_ key: FlightKey, _ number: UInt64) {
        let taken = state.withLock { state -> (BlockPlan, Flight.Reply)? in
            guard let flight = state.flights[key], flight.number == number, let reply = flight.reply else { return nil }
            state.flights[key]?.reply = nil
            return (flight.plan, reply)
        }
        guard let (plan, reply) = taken else { return }
        switch reply.result {
        case .failure(let error): receiveFailure(key, number, plan, reply.request, error)
        case .success(let response): receive(key, number, plan, response)
        }
    }

    private func receive(_ key: FlightKey, _ number: UInt64, _ plan: BlockPlan, _ response: HTTPResponse) {
        let told = response.head.validator
        // Looked at first: a wrong reply, which often carries no validator either, is no news of the file.
        if let reason = plan.verify(response.body) {
            retryWrong(key, number, plan, reason, told)
            return
        }
        let validator = plan.comparesValidator ? told : plan.validator ?? ""
        if plan.validator == nil { plan.learn(validator) }
        let block = FetchedBlock(bytes: response.body, validator: validator, fromCache: false)
        guard let (flight, isKept) = state.withLock({ land(key, number, block, &$0) }) else { return }
        // Answered before it is stored: the reader need not wait for the disk. Who reads in the background reads for the
        // sake of the disk.
        let storesFirst = isKept && !flight.isDemand
        if !storesFirst { answer(flight, block) }
        guard isKept, let cache else { return }
        cache.write(blockKey(plan, validator), block.bytes, fetchCost: response.seconds)
        if storesFirst { answer(flight, block) }
        state.withLock { state in
            let landed = takeOff(key, number, &state)
            if flight.isPrefetch, let landed { state.ledger.noteFetched(key, isUsed: landed.wasWanted) }
        }
    }

    /// Ends the waiting of a flight whose block has come, and returns it with its readers. It stays in the table, landed,
    /// if the block is to be kept: it is not when there is no cache, or when nobody on the flight believes in its version.
    private func land(
        _ key: FlightKey, _ number: UInt64, _ block: FetchedBlock, _ state: inout State
    ) -> (Flight, isKept: Bool)? {
        guard let flight = state.flights[key], flight.number == number else { return nil }
        let isBelieved =
            flight.plan.accepts(block.validator)
            || flight.readers.values.contains { $0.plan.accepts(block.validator) }
        guard cache != nil, isBelieved else { return takeOff(key, number, &state).map { ($0, false) } }
        if flight.readers.isEmpty { state.prefetchesNow -= 1 }
        state.flights[key]?.phase = .landed(block)
        state.flights[key]?.readers = [:]
        return (flight, true)
    }

    /// Gives a block to the readers of its flight, or tells them of the change: each compares it with its own belief.
    private func answer(_ flight: Flight?, _ block: FetchedBlock) {
        guard let flight else { return }
        for reader in flight.readers.values {
            if reader.plan.accepts(block.validator) {
                reader.finish(.success(block))
            } else {
                let plan = reader.plan
                fail(
                    reader, begunWith: flight.plan,
                    .changedUpstream(id: plan.id, old: plan.validator ?? "", new: block.validator))
            }
        }
    }
}
