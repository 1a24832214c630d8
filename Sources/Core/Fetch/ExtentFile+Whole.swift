import BlockStore
import Support
import Transport

// Extents of a file whose server has no ranges.
extension ExtentFile {
    /// Gets an extent from the cache or from the pass over the whole file, which is begun if there is none.
    func fetchWhole(
        _ plan: BlockPlan, _ lane: Lane, _ token: CancellationToken, _ completion: @escaping Reader.Completion
    ) {
        var plan = plan
        plan.request.lane = lane
        let reader = Reader(plan: plan, waiting: fetcher.counters.waitingReaders, completion: completion)
        defer { reader.release(on: fetcher.workers) }
        guard !token.isCancelled else {
            reader.finish(.failure(.cancelled))
            return
        }
        token.onCancel { [weak self, weak reader] in
            guard let reader else { return }
            reader.finish(.failure(.cancelled))
            self?.leave(reader)
        }
        if !fetcher.workers.submit(lane, { self.serve(reader) }) { reader.finish(.failure(.shutDown)) }
    }

    /// On a worker: from the cache, else from the pass.
    ///
    /// An extent leaves a pass's memory after it was stored. So whoever is told by a pass, or by there being none, that the
    /// extent is not in memory looks into the cache once more, and believes it when it is told so again.
    private func serve(_ reader: Reader) {
        var asked: [WholeStream?] = []
        while !reader.isFinished {
            var plan = reader.plan
            plan.validator = validator
            if let block = fetcher.cached(plan) {
                reader.finish(block)
                return
            }
            let stream = state.withLock { $0.stream }
            let isSure = asked.contains { $0 === stream }
            switch stream?.board(reader, isSure: isSure) ?? .ended {
            case .waits:
                // Cancelled since the loop looked: the token may have found it not yet aboard.
                if reader.isCancelled { leave(reader) }
                return
            case .block(let block):
                reader.finish(block)
                return
            case .ended where isSure:
                startStream(for: [reader])
                if reader.isCancelled { leave(reader) }
                return
            case .ended, .passed:
                asked = [stream]
            }
        }
    }

    /// Takes a reader that waits no longer off the pass, which ends when nobody else wants it.
    private func leave(_ reader: Reader) {
        let stream = state.withLock { $0.stream }
        stream?.leave(reader)
        if !isOpen { stream?.stopIfUnwanted() }
    }

    /// Begins a pass for `readers`, or puts them on one that has begun meanwhile.
    func startStream(for readers: [Reader]) {
        if let refusal = fetcher.refusal(plan(extent: 0, deadline: nil, requestID: 0).request) {
            for reader in readers { reader.finish(.failure(refusal)) }
            return
        }
        let fresh = WholeStream(file: self, readers: readers)
        let isFirst = state.withLock { state in
            // Lock order: a file before its pass.
            if state.stream?.isOver ?? true { state.stream = fresh }
            return state.stream === fresh
        }
        if isFirst {
            for reader in readers.dropFirst() { fetcher.logJoined(reader.plan, of: fresh.requestID) }
            fresh.start()
        } else {
            for reader in readers where !fetcher.workers.submit(.demand, { self.serve(reader) }) {
                reader.finish(.failure(.shutDown))
            }
        }
    }

    /// Drops a pass that is over and holds nothing more.
    func forget(_ stream: WholeStream) {
        state.withLock { state in
            if state.stream === stream { state.stream = nil }
        }
    }
}

extension BlockFetcher {
    /// Why a request may not be made now.
    func refusal(_ request: HTTPRequest) -> FetchError? {
        let (isOffline, isShutDown) = state.withLock { ($0.isOffline, $0.isShutDown) }
        if isShutDown { return .shutDown }
        guard let reason = isOffline ? .switchedOff : circuit.refusal(request.url) else { return nil }
        counters.offlineRefusals.add()
        return .offline(reason)
    }

    /// Enters a pass, so that ``shutDown()`` can end it. Returns false when that has happened.
    func enter(_ stream: WholeStream) -> Bool {
        state.withLock { state in
            guard !state.isShutDown else { return false }
            state.streams[ObjectIdentifier(stream)] = stream
            return true
        }
    }

    /// Counts an extent of a pass that is to be kept in memory until it is in the cache. Returns false when there are too
    /// many; otherwise ``giveBackPendingExtent()`` follows.
    func takePendingExtent() -> Bool {
        state.withLock { state in
            guard state.pendingExtents < Self.mostPendingExtents else { return false }
            state.pendingExtents += 1
            return true
        }
    }

    /// An extent of a pass is no longer on its way to the cache.
    func giveBackPendingExtent() { state.withLock { $0.pendingExtents -= 1 } }

    /// Strikes out a pass that is over.
    func exit(_ stream: WholeStream) {
        state.withLock { $0.streams[ObjectIdentifier(stream)] = nil }
    }
}
