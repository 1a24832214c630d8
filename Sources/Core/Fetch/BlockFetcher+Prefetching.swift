package import Specimens
package import Support

// Blocks wanted before a reader asks for them.
extension BlockFetcher {
    /// Fetches a block into the store before a reader asks for it. Dropped when too much is under way, and when the result
    /// could not be kept or the source is not to be asked.
    ///
    /// - Parameter token: of the window the block belongs to. When it is cancelled, because the handle was closed or its
    ///   reader has gone elsewhere, the flights begun under it end: those queued are dropped and those asked for are
    ///   cancelled. Flights that have readers, or that another token wants too, go on, and so does one whose block has
    ///   arrived. Any number of blocks may be wanted under one token.
    /// - Returns: whether the block is on its way, or being looked for in the store; false when it was dropped and may be
    ///   offered again.
    @discardableResult
    package func prefetch(_ request: BlockRequest, token: CancellationToken = CancellationToken()) -> Bool {
        let key = FlightKey(request)
        guard store(for: request) != nil, !token.isCancelled, source.outage(for: request.object.id) == nil else {
            counters.prefetchDropped.add()
            return false
        }
        let number = state.withLock { hint(key, request, token, &$0) }
        guard let number else {
            counters.prefetchDropped.add()
            return false
        }
        let owner = ObjectIdentifier(token)
        token.onCancel(for: self) { [weak self] in self?.withdraw(owner) }
        if number > 0 { submitLook(key, number, .prefetch) }
        return true
    }

    /// Notes a hint in the table of flights, which is locked.
    ///
    /// - Returns: the number of the flight that begins with it, 0 when one is under way, nil when there is no room.
    private func hint(
        _ key: FlightKey, _ request: BlockRequest, _ token: CancellationToken, _ state: inout State
    ) -> UInt64? {
        if let present = state.flights[key] {
            if !present.hasArrived { state.flights[key]?.hints[ObjectIdentifier(token)] = token }
            return 0
        }
        guard !state.isShutDown, state.prefetchesNow < prefetchLimit else { return nil }
        var flight = newFlight(request, isDemand: false, isPrefetch: true, &state)
        flight.hints[ObjectIdentifier(token)] = token
        state.flights[key] = flight
        state.prefetchesNow += 1
        return flight.number
    }

    /// Takes back all hints of a token that is being cancelled.
    private func withdraw(_ owner: ObjectIdentifier) {
        let unwanted = state.withLock { state -> [Flight] in
            var unwanted: [Flight] = []
            for (key, flight) in state.flights where flight.hints[owner] != nil {
                state.flights[key]?.hints[owner] = nil
                if flight.hints.count > 1 || !flight.waiters.isEmpty || flight.hasArrived { continue }
                if let flight = remove(key, flight.number, &state) { unwanted.append(flight) }
            }
            return unwanted
        }
        for flight in unwanted {
            guard case .requested = flight.phase else { continue }
            counters.abandoned.add()
            // While it is still being started, the thread that starts it sees that the flight has been removed.
            flight.exchange?.cancel()
        }
    }
}
