package import Logging

/// Single flight: any number of callers that want the same thing share the one effort that makes it.
///
/// Each caller gets a promise of its own. A caller whose token is cancelled gets the failure `cancelled` at once and leaves;
/// when the last has left, the effort's own token is cancelled.
package final class FlightTable<Key: Hashable & Sendable, Value: Sendable, Failure: Error>: Sendable {
    private struct Flight {
        var number: UInt64
        var token: CancellationToken
        var waiters: [UInt64: Promise<Value, Failure>.Resolver] = [:]
    }

    private struct State {
        var flights: [Key: Flight] = [:]
        var lastNumber: UInt64 = 0
    }

    private let state = Monitor(State())
    private let cancelled: Failure
    private let logger: Logger

    /// An empty table.
    ///
    /// - Parameters:
    ///   - cancelled: what a caller gets that leaves.
    ///   - logger: hears, at the level debug, whose effort a caller shares.
    package init(cancelled: Failure, logger: Logger) {
        self.cancelled = cancelled
        self.logger = logger
    }

    /// Joins the flight of `key`, or begins it by calling `start`.
    ///
    /// - Parameter start: begins the effort, under a token that outlives the caller's, and returns its promise.
    package func join(
        _ key: Key, token: CancellationToken, start: (CancellationToken) -> Promise<Value, Failure>
    ) -> Promise<Value, Failure> {
        let (promise, resolver) = Promise<Value, Failure>.pending()
        let (number, waiter, begun, owner) = state.withLock {
            state -> (UInt64, UInt64, CancellationToken?, UInt64) in
            state.lastNumber += 1
            let waiter = state.lastNumber
            if var flight = state.flights[key] {
                flight.waiters[waiter] = resolver
                state.flights[key] = flight
                return (flight.number, waiter, nil, flight.token.requestID)
            }
            let flightToken = CancellationToken(requestID: token.requestID, lane: token.lane)
            state.flights[key] = Flight(number: waiter, token: flightToken, waiters: [waiter: resolver])
            return (waiter, waiter, flightToken, token.requestID)
        }
        // A read that asks for several parts joins its own look-ups as well.
        if begun == nil, owner != token.requestID {
            logger.debug("joined", metadata: ["request": "\(token.requestID)", "of": "\(owner)"])
        }
        token.onCancel { [weak self] in self?.leave(key, flight: number, waiter: waiter) }
        if let begun {
            start(begun).whenDone { [weak self] outcome in self?.complete(key, flight: number, outcome) }
        }
        return promise
    }

    private func leave(_ key: Key, flight number: UInt64, waiter: UInt64) {
        let (resolver, abandoned) = state.withLock {
            state -> (Promise<Value, Failure>.Resolver?, CancellationToken?) in
            guard var flight = state.flights[key], flight.number == number else { return (nil, nil) }
            let resolver = flight.waiters.removeValue(forKey: waiter)
            if flight.waiters.isEmpty {
                state.flights[key] = nil
                return (resolver, flight.token)
            }
            state.flights[key] = flight
            return (resolver, nil)
        }
        resolver?.resolve(.failure(cancelled))
        abandoned?.cancel()
    }

    private func complete(_ key: Key, flight number: UInt64, _ outcome: Result<Value, Failure>) {
        let waiters = state.withLock { state -> [Promise<Value, Failure>.Resolver] in
            guard let flight = state.flights[key], flight.number == number else { return [] }
            state.flights[key] = nil
            return Array(flight.waiters.values)
        }
        for waiter in waiters { waiter.resolve(outcome) }
    }
}
