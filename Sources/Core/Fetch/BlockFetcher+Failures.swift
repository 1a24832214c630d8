import Logging
import Support
import Transport

// What becomes of a flight whose request failed or brought the wrong bytes: ask again, for all or for some, or end.
extension BlockFetcher {
    func receiveFailure(
        _ key: FlightKey, _ number: UInt64, _ plan: BlockPlan, _ request: HTTPRequest, _ error: TransportError
    ) {
        let failure: FetchError
        let isAskedAgain: Bool
        switch error {
        case .changed(let etag, _):
            failure = .changedUpstream(id: plan.id, old: plan.validator ?? "", new: etag ?? "")
            // The request named the version of one; the reply may be what others believe in.
            isAskedAgain = askAgain(key, number, failure) { other in
                other.validator != plan.validator
                    && (etag == nil || other.validator == nil || other.validator == etag)
            }
        case .deadlineExceeded:
            failure = .transport(error)
            // Of the reader that began the flight; those who joined later may have more time.
            isAskedAgain =
                request.deadline.map { deadline in
                    askAgain(key, number, failure) { $0.request.deadline.map { $0 > deadline } ?? true }
                } ?? false
        case .cancelled: (failure, isAskedAgain) = (.cancelled, false)
        case .shutDown: (failure, isAskedAgain) = (.shutDown, false)
        default: (failure, isAskedAgain) = (.transport(error), false)
        }
        if !isAskedAgain { end(key, number, failure) }
    }

    /// Makes another request for the readers whom a failure does not concern, with the plan of the most patient; the
    /// others fail.
    ///
    /// - Returns: false, with nothing done, when it concerns all.
    private func askAgain(
        _ key: FlightKey, _ number: UInt64, _ failure: FetchError, for isSpared: (BlockPlan) -> Bool
    ) -> Bool {
        let failed = state.withLock { state -> (plan: BlockPlan, readers: [Reader])? in
            guard var flight = state.flights[key], flight.number == number else { return nil }
            let spared = flight.readers.values.filter { isSpared($0.plan) }
            let failed = flight.readers.values.filter { !isSpared($0.plan) }
            guard let next = spared.max(by: { Self.isEarlier($0.plan.request.deadline, $1.plan.request.deadline) })
            else { return nil }
            for reader in failed { flight.readers[ObjectIdentifier(reader)] = nil }
            defer { state.flights[key] = flight }
            let plan = flight.plan
            flight.plan = next.plan
            return (plan, failed)
        }
        guard let failed else { return false }
        for reader in failed.readers { fail(reader, begunWith: failed.plan, failure) }
        request(key, number)
        return true
    }

    private static func isEarlier(_ left: Instant?, _ right: Instant?) -> Bool {
        guard let left else { return false }
        guard let right else { return true }
        return left < right
    }

    /// Asks once more for a block whose bytes were wrong.
    ///
    /// - Parameter told: the version of the reply; a change is believed when it comes with wrong bytes twice.
    func retryWrong(_ key: FlightKey, _ number: UInt64, _ plan: BlockPlan, _ reason: String, _ told: String) {
        let isFirst = state.withLock { state -> Bool? in
            guard var flight = state.flights[key], flight.number == number else { return nil }
            flight.wrongReplies += 1
            state.flights[key] = flight
            return flight.wrongReplies == 1
        }
        guard let isFirst else { return }
        logger.warning(
            "the source sent wrong bytes\(isFirst ? ", asking again" : " again"): \(reason)",
            metadata: [
                "object": "\(plan.id)", "index": "\(plan.index)", "url": "\(plan.request.url)",
                "request": "\(plan.request.requestID)",
            ])
        if isFirst {
            counters.refetched.add()
            request(key, number)
            return
        }
        end(key, number) { reader in
            told.isEmpty || reader.accepts(told)
                ? .invalidBlock(reason: reason)
                : .changedUpstream(id: plan.id, old: reader.validator ?? "", new: told)
        }
    }

    /// Ends a flight with a failure for all its readers.
    func end(_ key: FlightKey, _ number: UInt64, _ error: FetchError) { end(key, number) { _ in error } }

    private func end(_ key: FlightKey, _ number: UInt64, _ error: (BlockPlan) -> FetchError) {
        guard let flight = state.withLock({ takeOff(key, number, &$0) }) else { return }
        for reader in flight.readers.values { fail(reader, begunWith: flight.plan, error(reader.plan)) }
    }

    /// Fails a reader, unless it believes in another version than the plan of its flight and the cache has that.
    func fail(_ reader: Reader, begunWith plan: BlockPlan, _ error: FetchError) {
        if !error.isShutDown, reader.plan.validator != plan.validator, let block = readCache(reader.plan) {
            reader.finish(block)
            return
        }
        if case .offline = error { counters.offlineRefusals.add() }
        reader.finish(.failure(error))
    }
}
