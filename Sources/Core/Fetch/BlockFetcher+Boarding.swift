import Support
import Transport

// Readers come and go.
extension BlockFetcher {
    private enum Boarding {
        case shutDown
        case landed(FetchedBlock)
        case joined(UInt64, promote: (any SourceExchange)?, lookAgain: Bool)
        case begun(UInt64)
    }

    /// Puts a reader on the flight of its block, beginning one if there is none. Returns the flight's number; nil when the
    /// reader has been answered.
    func board(_ reader: Reader, _ key: FlightKey, isDemand: Bool) -> UInt64? {
        let boarding = state.withLock { state -> Boarding in
            if state.isShutDown { return .shutDown }
            state.ledger.noteWanted(key)
            guard var flight = state.flights[key] else {
                return .begun(begin(key, reader.plan, reader: reader, isDemand: isDemand, &state))
            }
            if case .landed(let block) = flight.phase {
                state.flights[key]?.wasWanted = true
                return .landed(block)
            }
            if flight.isPrefetch, flight.readers.isEmpty { state.prefetchesNow -= 1 }
            flight.readers[ObjectIdentifier(reader)] = reader
            flight.wasWanted = true
            let isPromoted = isDemand && !flight.isDemand
            if isPromoted { flight.isDemand = true }
            var lookAgain = false
            if isPromoted, case .queued = flight.phase { lookAgain = true }
            let exchange = isPromoted && !flight.requestIsDemand ? flight.exchange : nil
            if exchange != nil { flight.requestIsDemand = true }
            state.flights[key] = flight
            return .joined(flight.number, promote: exchange, lookAgain: lookAgain)
        }
        switch boarding {
        case .shutDown:
            reader.finish(.failure(.shutDown))
            return nil
        case .landed(let block):
            counters.joined.add()
            reader.finish(block)
            return nil
        case .joined(let number, let exchange, let lookAgain):
            counters.joined.add()
            exchange?.promote()
            // The first to begin wins; the one still queued among the prefetches then finds nothing to do.
            if lookAgain { submitLook(key, number, .demand) }
            return number
        case .begun(let number):
            submitLook(key, number, isDemand ? .demand : .prefetch)
            return number
        }
    }

    /// Enters a new flight in the table, which is locked.
    func begin(_ key: FlightKey, _ plan: BlockPlan, reader: Reader?, isDemand: Bool, _ state: inout State) -> UInt64 {
        state.lastNumber += 1
        var flight = Flight(
            number: state.lastNumber, plan: plan, isDemand: isDemand, isPrefetch: reader == nil,
            wasWanted: reader != nil)
        if let reader {
            flight.readers[ObjectIdentifier(reader)] = reader
        } else {
            state.prefetchesNow += 1
        }
        state.flights[key] = flight
        counters.flights.add()
        return flight.number
    }

    /// Takes a reader off its flight, and ends the flight when nobody wants it any more.
    func leave(_ key: FlightKey, _ number: UInt64, _ reader: Reader) {
        let (exchange, isAbandoned) = state.withLock { state -> ((any SourceExchange)?, Bool) in
            guard var flight = state.flights[key], flight.number == number,
                flight.readers.removeValue(forKey: ObjectIdentifier(reader)) != nil
            else { return (nil, false) }
            state.flights[key] = flight
            guard flight.readers.isEmpty else { return (nil, false) }
            if case .landed = flight.phase { return (nil, false) }
            if flight.isPrefetch {
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
        if case .landed = flight.phase { return flight }
        if flight.isPrefetch, flight.readers.isEmpty { state.prefetchesNow -= 1 }
        return flight
    }
}
