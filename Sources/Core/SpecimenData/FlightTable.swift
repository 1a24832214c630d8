internal import Logging
internal import Support

/// Single flight: any number of callers that want the same thing share the one effort that makes it.
///
/// Each caller gets exactly one answer. A caller whose token is cancelled gets `cancelled` at once and leaves; when the
/// last has left, the effort's own token is cancelled.
final class FlightTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    typealias Outcome = Result<Value, SpecimenDataError>
    typealias Completion = @Sendable (Outcome) -> Void

    private struct Flight {
        var number: UInt64
        var token: CancellationToken
        var waiters: [UInt64: Completion] = [:]
    }

    private struct State {
        var flights: [Key: Flight] = [:]
        var nextNumber: UInt64 = 0
    }

    private let state = Monitor(State())
    private let logger: Logger

    /// - Parameter logger: told, at the level debug, whose effort a caller shares.
    init(logger: Logger) { self.logger = logger }

    /// Joins the flight of `key`, or opens it and calls `start`.
    ///
    /// - Parameter start: begins the effort and returns; it calls the closure it is given once, from any thread.
    func join(
        _ key: Key, token: CancellationToken, completion: @escaping Completion,
        start: (CancellationToken, @escaping Completion) -> Void
    ) {
        let (flightNumber, waiter, opened, owner) = state.withLock {
            state -> (UInt64, UInt64, CancellationToken?, UInt64) in
            state.nextNumber += 1
            let waiter = state.nextNumber
            if var flight = state.flights[key] {
                flight.waiters[waiter] = completion
                state.flights[key] = flight
                return (flight.number, waiter, nil, flight.token.requestID)
            }
            let flightToken = CancellationToken(requestID: token.requestID, lane: token.lane)
            state.flights[key] = Flight(number: waiter, token: flightToken, waiters: [waiter: completion])
            return (waiter, waiter, flightToken, token.requestID)
        }
        // A read that asks for several parts joins its own look-ups as well.
        if opened == nil, owner != token.requestID {
            logger.debug("joined", metadata: ["request": "\(token.requestID)", "of": "\(owner)"])
        }
        token.onCancel { [weak self] in self?.leave(key, flight: flightNumber, waiter: waiter) }
        guard let opened else { return }
        start(opened) { [weak self] outcome in self?.land(key, flight: flightNumber, outcome) }
    }

    private func leave(_ key: Key, flight number: UInt64, waiter: UInt64) {
        let (completion, abandoned) = state.withLock { state -> (Completion?, CancellationToken?) in
            guard var flight = state.flights[key], flight.number == number else { return (nil, nil) }
            let completion = flight.waiters.removeValue(forKey: waiter)
            if flight.waiters.isEmpty {
                state.flights[key] = nil
                return (completion, flight.token)
            }
            state.flights[key] = flight
            return (completion, nil)
        }
        completion?(.failure(.cancelled))
        abandoned?.cancel()
    }

    private func land(_ key: Key, flight number: UInt64, _ outcome: Outcome) {
        let waiters = state.withLock { state -> [Completion] in
            guard let flight = state.flights[key], flight.number == number else { return [] }
            state.flights[key] = nil
            return Array(flight.waiters.values)
        }
        for waiter in waiters { waiter(outcome) }
    }
}
