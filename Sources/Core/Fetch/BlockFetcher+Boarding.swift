import Logging
import Support
import Transport

// Readers come and go.
extension BlockFetcher {
    private enum Boarding {
        case shutDown
        case landed(FetchedBlock)
        case joined(UInt64, of: UInt64, promote: (any SourceExchange)?, waitsFor: Work?)
        case begun(UInt64)
    }

    /// What a flight among the prefetches waits for a worker to do.
    private enum Work {
        case look
        case receive
    }

    /// Puts a reader on the flight of its block, beginning one if there is none. Returns the flight's number; nil when the
    /// reader has been answered.
    func board(_ reader: Reader, _ key: FlightKey, isDemand: Bool) -> UInt64? {
        let boarding = state.withLock { state -> Boarding in
            if state.isShutDown { return .shutDown }
            state.ledger.noteWanted(key)
            guard var flight = state.flights[key], !flight.isLanded(otherThanFor: reader.plan) else {
                // One that has landed with another version than the reader's is being stored, and ends unseen.
                var flight = newFlight(reader.plan, isDemand: isDemand, isPrefetch: false, &state)
                flight.readers[ObjectIdentifier(reader)] = reader
                state.flights[key] = flight
                return .begun(flight.number)
            }
            if case .landed(let block) = flight.phase {
                state.flights[key]?.wasWanted = true
                return .landed(block)
            }
            if flight.readers.isEmpty { state.prefetchesNow -= 1 }
            flight.readers[ObjectIdentifier(reader)] = reader
            flight.wasWanted = true
            let isPromoted = isDemand && !flight.isDemand
            if isPromoted { flight.isDemand = true }
            var work: Work?
            if isPromoted, case .queued = flight.phase { work = .look }
            if isPromoted, flight.reply != nil { work = .receive }
            let exchange = isPromoted && !flight.requestIsDemand ? flight.exchange : nil
            if exchange != nil { flight.requestIsDemand = true }
            state.flights[key] = flight
            return .joined(
                flight.number, of: flight.plan.request.requestID, promote: exchange, waitsFor: work)
        }
        switch boarding {
        case .shutDown:
            reader.finish(.failure(.shutDown))
            return nil
        case .landed(let block):
            counters.joined.add()
            reader.finish(block)
            return nil
        case .joined(let number, let owner, let exchange, let work):
            counters.joined.add()
            logJoined(reader.plan, of: owner)
            exchange?.promote()
            // The first to begin wins; the one still queued among the prefetches then finds nothing to do.
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
    func logJoined(_ plan: BlockPlan, of owner: UInt64) {
        let url = "\(plan.request.url.prefix(300))"
        logger.debug("joined", metadata: ["request": "\(plan.request.requestID)", "of": "\(owner)", "url": "\(url)"])
    }

    /// A flight to be entered in the table, which is locked.
    func newFlight(_ plan: BlockPlan, isDemand: Bool, isPrefetch: Bool, _ state: inout State) -> Flight {
        state.lastNumber += 1
        counters.flights.add()
        return Flight(
            number: state.lastNumber, plan: plan, isDemand: isDemand, isPrefetch: isPrefetch, wasWanted: !isPrefetch)
    }

    /// Takes a reader off its flight, and ends the flight when nobody wants it any more.
    func leave(_ key: FlightKey, _ number: UInt64, _ reader: Reader) {
        let (exchange, isAbandoned) = state.withLock { state -> ((any SourceExchange)?, Bool) in
            guard var flight = state.flights[key], flight.number == number,
                flight.readers.removeValue(forKey: ObjectIdentifier(reader)) != nil
            else { return (nil, false) }
            state.flights[key] = flight
            guard flight.readers.isEmpty, !flight.isLanded else { return (nil, false) }
            if !flight.wishes.isEmpty {
                state.prefetchesNow += 1
                return (nil, false)
            }
            state.flights[key] = nil
            if case .requested = flight.phase { return (flight.exchange, true) }
            return (nil, false)
        }
        if isAbandoned { counters.abandoned.add() }
        // While it is still being started, whoever starts it sees that the flight is gone.
        exchange?.cancel()
    }

    /// Removes the flight `number` from the table and returns it; nil when it is not there any more.
    func takeOff(_ key: FlightKey, _ number: UInt64, _ state: inout State) -> Flight? {
        guard let flight = state.flights[key], flight.number == number else { return nil }
        state.flights[key] = nil
        if flight.readers.isEmpty, !flight.isLanded { state.prefetchesNow -= 1 }
        return flight
    }
}
