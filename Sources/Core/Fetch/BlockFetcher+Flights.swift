import BlockCache
import Logging
import Support
import Transport

// What happens to a flight: look in the cache, ask the source, check, answer, store.
extension BlockFetcher {
    func submitLook(_ key: FlightKey, _ number: UInt64, _ lane: Lane) {
        if !workers.submit(lane, { self.look(key, number) }) { end(key, number, .shutDown) }
    }

    func readCache(_ plan: BlockPlan) -> FetchedBlock? {
        guard let cache, let validator = plan.validator, let bytes = cache.read(blockKey(plan, validator)) else {
            return nil
        }
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

    private func request(_ key: FlightKey, _ number: UInt64) {
        let (plan, isDemand, isOffline) = state.withLock { state -> (BlockPlan?, Bool, Bool) in
            guard let flight = state.flights[key], flight.number == number else { return (nil, false, false) }
            state.flights[key]?.phase = .requested
            state.flights[key]?.requestIsDemand = flight.isDemand
            state.flights[key]?.exchange = nil
            return (flight.plan, flight.isDemand, state.isOffline)
        }
        guard let plan else { return }
        if let reason = isOffline ? .switchedOff : circuit.refusal(plan.request.url) {
            end(key, number, .offline(reason))
            return
        }
        counters.requests.add()
        var request = plan.request
        request.lane = isDemand ? .demand : .prefetch
        let started = request
        let exchange = source.start(request) { result in
            self.circuit.note(result, of: started)
            let isTaken = self.workers.submit(isDemand ? .demand : .prefetch) {
                self.receive(key, number, started, result)
            }
            if !isTaken { self.end(key, number, .shutDown) }
        }
        keep(exchange, key, number)
    }

    /// Files the exchange, and makes up for what happened to the flight while it was being started.
    private func keep(_ exchange: any SourceExchange, _ key: FlightKey, _ number: UInt64) {
        let (isGone, isPromoted) = state.withLock { state -> (Bool, Bool) in
            guard var flight = state.flights[key], flight.number == number else { return (true, false) }
            // A reply that came first may have led to the next request already.
            guard case .requested = flight.phase, flight.exchange == nil else { return (false, false) }
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

    private func receive(
        _ key: FlightKey, _ number: UInt64, _ request: HTTPRequest, _ result: Result<HTTPResponse, TransportError>
    ) {
        guard let plan = state.withLock({ $0.flights[key].flatMap { $0.number == number ? $0.plan : nil } }) else {
            return
        }
        switch result {
        case .failure(let error): receiveFailure(key, number, plan, request, error)
        case .success(let response): receive(key, number, plan, response)
        }
    }

    private func receiveFailure(
        _ key: FlightKey, _ number: UInt64, _ plan: BlockPlan, _ request: HTTPRequest, _ error: TransportError
    ) {
        switch error {
        case .changed(let etag, _):
            end(key, number, .changedUpstream(id: plan.id, old: plan.validator ?? "", new: etag ?? ""))
        case .cancelled:
            end(key, number, .cancelled)
        case .shutDown:
            end(key, number, .shutDown)
        case .deadlineExceeded:
            if !extend(key, number, beyond: request.deadline, error) { end(key, number, .transport(error)) }
        default:
            end(key, number, .transport(error))
        }
    }

    /// The deadline of the reader that began the flight has passed. Those who joined later and have more time get a
    /// request of their own; the others fail.
    private func extend(
        _ key: FlightKey, _ number: UInt64, beyond deadline: Instant?, _ error: TransportError
    ) -> Bool {
        guard let deadline else { return false }
        let late = state.withLock { state -> [Reader]? in
            guard var flight = state.flights[key], flight.number == number else { return [] }
            let patient = flight.readers.values.filter { $0.plan.request.deadline.map { $0 > deadline } ?? true }
            guard let next = patient.max(by: { Self.isEarlier($0.plan.request.deadline, $1.plan.request.deadline) })
            else { return nil }
            let late = flight.readers.values.filter { reader in !patient.contains { $0 === reader } }
            for reader in late { flight.readers[ObjectIdentifier(reader)] = nil }
            flight.plan = next.plan
            state.flights[key] = flight
            return late
        }
        guard let late else { return false }
        for reader in late { reader.finish(.failure(.transport(error))) }
        request(key, number)
        return true
    }

    private static func isEarlier(_ left: Instant?, _ right: Instant?) -> Bool {
        guard let left else { return false }
        guard let right else { return true }
        return left < right
    }

    private func receive(_ key: FlightKey, _ number: UInt64, _ plan: BlockPlan, _ response: HTTPResponse) {
        let told = response.head.validator
        let change: FetchError? =
            if plan.comparesValidator, let expected = plan.validator, expected != told {
                .changedUpstream(id: plan.id, old: expected, new: told)
            } else {
                nil
            }
        // Looked at first: a wrong reply, which often carries no validator either, is no news of the file.
        if let reason = plan.verify(response.body) {
            retryWrong(key, number, plan, reason, told.isEmpty ? nil : change)
            return
        }
        if let change {
            end(key, number, change)
            return
        }
        let validator = plan.comparesValidator ? told : plan.validator ?? ""
        let block = FetchedBlock(bytes: response.body, validator: validator, fromCache: false)
        guard let cache else {
            answer(state.withLock { takeOff(key, number, &$0) }, block)
            return
        }
        // Answered before it is stored: the reader need not wait for the disk.
        guard let flight = state.withLock({ land(key, number, block, &$0) }) else { return }
        answer(flight, block)
        cache.write(blockKey(plan, validator), block.bytes, fetchCost: response.seconds)
        state.withLock { state in
            let landed = takeOff(key, number, &state)
            if flight.isPrefetch, let landed { state.ledger.noteFetched(key, isUsed: landed.wasWanted) }
        }
    }

    /// Marks a flight as landed and returns it with its readers, who are no longer in the table.
    private func land(_ key: FlightKey, _ number: UInt64, _ block: FetchedBlock, _ state: inout State) -> Flight? {
        guard let flight = state.flights[key], flight.number == number else { return nil }
        if flight.isPrefetch, flight.readers.isEmpty { state.prefetchesNow -= 1 }
        state.flights[key]?.phase = .landed(block)
        state.flights[key]?.readers = [:]
        return flight
    }

    /// Asks once more for a block whose bytes were wrong.
    ///
    /// - Parameter change: what the reply said of the version; believed when it comes with wrong bytes twice.
    private func retryWrong(
        _ key: FlightKey, _ number: UInt64, _ plan: BlockPlan, _ reason: String, _ change: FetchError?
    ) {
        let isFirst = state.withLock { state in
            state.flights[key]?.wrongReplies += 1
            return state.flights[key]?.wrongReplies == 1
        }
        logger.warning(
            "the source sent wrong bytes\(isFirst ? ", asking again" : " again"): \(reason)",
            metadata: [
                "object": "\(plan.id)", "index": "\(plan.index)", "url": "\(plan.request.url)",
                "request": "\(plan.request.requestID)",
            ])
        if isFirst {
            counters.refetched.add()
            request(key, number)
        } else {
            end(key, number, change ?? .invalidBlock(reason: reason))
        }
    }

    private func answer(_ flight: Flight?, _ block: FetchedBlock) {
        for reader in flight?.readers.values ?? [:].values { reader.finish(block) }
    }

    /// Ends a flight with a failure for all its readers, but for those who believe in another version than the reader who
    /// began it, and whose version the cache has.
    func end(_ key: FlightKey, _ number: UInt64, _ error: FetchError) {
        guard let flight = state.withLock({ takeOff(key, number, &$0) }) else { return }
        for reader in flight.readers.values {
            if !error.isShutDown, reader.plan.validator != flight.plan.validator, let block = readCache(reader.plan) {
                reader.finish(block)
                continue
            }
            if case .offline = error { counters.offlineRefusals.add() }
            reader.finish(.failure(error))
        }
    }
}
