import Logging
import Specimens
import Support

// Readers join flights and leave them.
extension BlockFetcher {
    private enum Joining {
        case shutDown
        case arrived(FetchedBlock)
        case joined(UInt64, of: UInt64, promote: (any BlockExchange)?, waitsFor: Work?)
        case begun(UInt64)
    }

    /// What a flight among the prefetches waits for a worker to do.
    private enum Work {
        case look
        case receive
    }

    /// Lets a reader join the flight of its block, and begins one if there is none. Returns the flight's number; nil when
    /// the reader has been answered.
    func join(_ waiter: Waiter, _ key: FlightKey, isDemand: Bool) -> UInt64? {
        let joining = state.withLock { state -> Joining in
            if state.isShutDown { return .shutDown }
            state.ledger.noteWanted(key)
            guard var flight = state.flights[key], !flight.hasArrived(otherThanFor: waiter.request) else {
                // A block of another version than the reader's is being stored: its flight ends without this reader.
                var flight = newFlight(waiter.request, isDemand: isDemand, isPrefetch: false, &state)
                flight.waiters[ObjectIdentifier(waiter)] = waiter
                state.flights[key] = flight
                return .begun(flight.number)
            }
            if case .arrived(let block) = flight.phase {
                state.flights[key]?.wasWanted = true
                return .arrived(block)
            }
            if flight.waiters.isEmpty { state.prefetchesNow -= 1 }
            flight.waiters[ObjectIdentifier(waiter)] = waiter
            flight.wasWanted = true
            let isPromoted = isDemand && !flight.isDemand
            if isPromoted { flight.isDemand = true }
            var work: Work?
            if isPromoted, case .queued = flight.phase { work = .look }
            if isPromoted, flight.reply != nil { work = .receive }
            let exchange = isPromoted && !flight.requestIsDemand ? flight.exchange : nil
            if exchange != nil { flight.requestIsDemand = true }
            state.flights[key] = flight
            return .joined(flight.number, of: flight.request.requestID, promote: exchange, waitsFor: work)
        }
        switch joining {
        case .shutDown:
            waiter.finish(.failure(.shutDown))
            return nil
        case .arrived(let block):
            counters.joined.add()
            waiter.finish(block)
            return nil
        case .joined(let number, let owner, let exchange, let work):
            counters.joined.add()
            logJoined(waiter.request, of: owner)
            exchange?.promote()
            // The first worker to begin does it; the one still queued among the prefetches then finds nothing to do.
            switch work {
            case .look: submitLook(key, number, .demand)
            case .receive: submitReceive(key, number, .demand)
            case nil: break
            }
            return number
        case .begun(let number):
            submitLook(key, number, isDemand ? .demand : .prefetch)
            return number
        }
    }

    /// Tells which read's request a reader waits for.
    private func logJoined(_ request: BlockRequest, of owner: UInt64) {
        logger.debug(
            "joined",
            metadata: [
                "request": "\(request.requestID)", "of": "\(owner)",
                "url": "\(source.address(of: request).prefix(300))",
            ])
    }

    /// A flight to be entered in the table, which is locked.
    func newFlight(_ request: BlockRequest, isDemand: Bool, isPrefetch: Bool, _ state: inout State) -> Flight {
        state.lastNumber += 1
        counters.flights.add()
        return Flight(
            number: state.lastNumber, request: request, isDemand: isDemand, isPrefetch: isPrefetch,
            wasWanted: !isPrefetch)
    }

    /// Takes a reader out of its flight, and ends the flight when nobody wants it any more.
    func leave(_ key: FlightKey, _ number: UInt64, _ waiter: Waiter) {
        let (exchange, isAbandoned) = state.withLock { state -> ((any BlockExchange)?, Bool) in
            guard var flight = state.flights[key], flight.number == number,
                flight.waiters.removeValue(forKey: ObjectIdentifier(waiter)) != nil
            else { return (nil, false) }
            state.flights[key] = flight
            guard flight.waiters.isEmpty, !flight.hasArrived else { return (nil, false) }
            if !flight.hints.isEmpty {
                state.prefetchesNow += 1
                return (nil, false)
            }
            state.flights[key] = nil
            if case .requested = flight.phase { return (flight.exchange, true) }
            return (nil, false)
        }
        if isAbandoned { counters.abandoned.add() }
        // While it is still being started, the thread that starts it sees that the flight has been removed.
        exchange?.cancel()
    }

    /// Removes the flight `number` from the table and returns it; nil when it has been removed before.
    func remove(_ key: FlightKey, _ number: UInt64, _ state: inout State) -> Flight? {
        guard let flight = state.flights[key], flight.number == number else { return nil }
        state.flights[key] = nil
        if flight.waiters.isEmpty, !flight.hasArrived { state.prefetchesNow -= 1 }
        return flight
    }
}
