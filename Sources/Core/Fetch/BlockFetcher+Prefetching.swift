public import Support
import Transport

// Blocks wanted before anybody reads them.
extension BlockFetcher {
    /// Fetches a block into the cache before anybody asks for it. Dropped when too much is under way, and when the result
    /// could not be kept or the network is not to be asked.
    ///
    /// - Parameter token: of the window the block belongs to. When it is cancelled, because the handle was closed or its
    ///   reader has gone elsewhere, the flights begun under it end: those queued are dropped and those asked for are
    ///   cancelled. Flights that have readers, or that another token wants too, go on, and so does one that has landed.
    ///   Any number of blocks may be wanted under one token.
    /// - Returns: whether the block is on its way, or being looked for in the cache; false when it was dropped and may be offered again.
    @discardableResult
    public func prefetch(_ plan: BlockPlan, token: CancellationToken = CancellationToken()) -> Bool {
        let key = FlightKey(plan)
        guard cache != nil, plan.validator != nil, !token.isCancelled, circuit.refusal(plan.request.url) == nil
        else {
            counters.prefetchDropped.add()
            return false
        }
        let number = state.withLock { wish(key, plan, token, &$0) }
        guard let number else {
            counters.prefetchDropped.add()
            return false
        }
        let wisher = ObjectIdentifier(token)
        token.onCancel(for: self) { [weak self] in self?.withdraw(wisher) }
        if number > 0 { submitLook(key, number, .prefetch) }
        return true
    }

    /// Notes a wish for a block in the table of flights, which is locked.
    ///
    /// - Returns: the number of the flight that begins with it, 0 when one is under way, nil when there is no room.
    private func wish(_ key: FlightKey, _ plan: BlockPlan, _ token: CancellationToken, _ state: inout State) -> UInt64?
    {
        if let present = state.flights[key] {
            if !present.isLanded { state.flights[key]?.wishes[ObjectIdentifier(token)] = token }
            return 0
        }
        guard !state.isOffline, !state.isShutDown, state.prefetchesNow < prefetchLimit else { return nil }
        var flight = newFlight(plan, isDemand: false, isPrefetch: true, &state)
        flight.wishes[ObjectIdentifier(token)] = token
        state.flights[key] = flight
        state.prefetchesNow += 1
        return flight.number
    }

    /// Takes back all wishes of a token that is being cancelled.
    private func withdraw(_ wisher: ObjectIdentifier) {
        let unwanted = state.withLock { state -> [Flight] in
            var unwanted: [Flight] = []
            for (key, flight) in state.flights where flight.wishes[wisher] != nil {
                state.flights[key]?.wishes[wisher] = nil
                if flight.wishes.count > 1 || !flight.readers.isEmpty || flight.isLanded { continue }
                if let flight = takeOff(key, flight.number, &state) { unwanted.append(flight) }
            }
            return unwanted
        }
        for flight in unwanted {
            guard case .requested = flight.phase else { continue }
            counters.abandoned.add()
            // While it is still being started, whoever starts it sees that the flight is gone.
            flight.exchange?.cancel()
        }
    }
}
