import Logging
import Specimens
import Support

// What becomes of a flight whose request failed or brought the wrong bytes: ask again, for all or for some, or end.
extension BlockFetcher {
    /// - Parameters:
    ///   - begun: what the flight asks for now.
    ///   - asked: what was asked for when the request was made.
    func receiveFailure(
        _ key: FlightKey, _ number: UInt64, _ begun: BlockRequest, _ asked: BlockRequest, _ error: SourceError
    ) {
        let failure = FetchError(error, of: begun.object.id, expected: begun.expected)
        let isAskedAgain: Bool
        switch error.kind {
        case .changed(let new):
            // The request named one version; the reply may be what other readers expect.
            isAskedAgain = askAgain(key, number, failure) { other in
                other.expected != begun.expected && (new == nil || other.expected == nil || other.expected == new)
            }
        case .deadlineExceeded:
            // Of the reader that began the flight; those that joined later may have more time.
            isAskedAgain =
                asked.deadline.map { deadline in
                    askAgain(key, number, failure) { $0.deadline.map { $0 > deadline } ?? true }
                } ?? false
        case .passed where !asked.isAfterPassing: isAskedAgain = lookAgain(key, number)
        case .outage, .timedOut, .wrongLength, .passed, .unusable, .cancelled, .shutDown, .failed: isAskedAgain = false
        }
        if !isAskedAgain { end(key, number, failure) }
    }

    /// Looks into the store once more for a block that went by in a whole file.
    private func lookAgain(_ key: FlightKey, _ number: UInt64) -> Bool {
        let lane = state.withLock { state -> Lane? in
            guard var flight = state.flights[key], flight.number == number else { return nil }
            flight.request.isAfterPassing = true
            flight.phase = .queued
            flight.exchange = nil
            state.flights[key] = flight
            return flight.isDemand ? .demand : .prefetch
        }
        if let lane { submitLook(key, number, lane) }
        return true
    }

    /// Makes another request for the readers that a failure does not concern, with that of the most patient; the others
    /// fail.
    ///
    /// - Returns: false, with nothing done, when it concerns all.
    private func askAgain(
        _ key: FlightKey, _ number: UInt64, _ failure: FetchError, for isSpared: (BlockRequest) -> Bool
    ) -> Bool {
        let failed = state.withLock { state -> (request: BlockRequest, waiters: [Waiter])? in
            guard var flight = state.flights[key], flight.number == number else { return nil }
            let spared = flight.waiters.values.filter { isSpared($0.request) }
            let failed = flight.waiters.values.filter { !isSpared($0.request) }
            guard let next = spared.max(by: { Self.isEarlier($0.request.deadline, $1.request.deadline) })
            else { return nil }
            for waiter in failed { flight.waiters[ObjectIdentifier(waiter)] = nil }
            defer { state.flights[key] = flight }
            let request = flight.request
            flight.request = next.request
            return (request, failed)
        }
        guard let failed else { return false }
        for waiter in failed.waiters { fail(waiter, begunWith: failed.request, failure) }
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
    /// - Parameter version: of the reply; a change counts when it comes with wrong bytes twice.
    func retryWrong(_ key: FlightKey, _ number: UInt64, _ request: BlockRequest, _ reason: String, _ version: String) {
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
                "object": "\(request.blockName)", "index": "\(request.part.index)",
                "url": "\(source.address(of: request))", "request": "\(request.requestID)",
            ])
        if isFirst {
            counters.refetched.add()
            self.request(key, number)
            return
        }
        end(key, number) { reader in
            version.isEmpty || reader.accepts(version)
                ? .invalidBlock(reason: reason)
                : .changedUpstream(id: request.object.id, old: reader.expected ?? "", new: version)
        }
    }

    /// Ends a flight with a failure for all its readers.
    func end(_ key: FlightKey, _ number: UInt64, _ error: FetchError) { end(key, number) { _ in error } }

    private func end(_ key: FlightKey, _ number: UInt64, _ error: (BlockRequest) -> FetchError) {
        guard let flight = state.withLock({ remove(key, number, &$0) }) else { return }
        for waiter in flight.waiters.values { fail(waiter, begunWith: flight.request, error(waiter.request)) }
    }

    /// Fails a reader, unless it expects another version than the request of its flight and the store has that.
    func fail(_ waiter: Waiter, begunWith request: BlockRequest, _ error: FetchError) {
        guard !error.isShutDown, waiter.request.expected != request.expected else { return fail(waiter, error) }
        kept(waiter.request) { [self] block in
            if let block { waiter.finish(block) } else { fail(waiter, error) }
        }
    }

    private func fail(_ waiter: Waiter, _ error: FetchError) {
        if case .offline = error { counters.offlineRefusals.add() }
        waiter.finish(.failure(error))
    }
}
