internal import Specimens
internal import Support
internal import Transport

/// One download of a whole file, cut into extents as its bytes arrive.
///
/// Memory: the extent being filled, and at most 32 extents of all downloads together that the workers have not stored yet.
/// The transport bounds how many downloads fill an extent at a time. When the disk is slower than the network, or there is no
/// store, further extents for which no reader waits are dropped; a reader that wants one of them later causes another
/// download. The download is never slowed down, because the transport thread serves all other requests as well.
final class SequentialDownload: BodySink {
    enum Joining {
        /// The waiter is answered when its extent arrives, in this download or the next, or when the download fails.
        case waits
        /// The extent is still in memory.
        case block(SourceBlock)
        /// The extent went by, and may be in the store by now.
        case passed
        /// The download is over, and the extent not in memory.
        case ended
    }

    private struct State {
        var version = ""
        /// The extent being filled, and its number.
        var partial: [UInt8] = []
        var index = 0
        /// Extents on their way to the store.
        var pending: [Int: SourceBlock] = [:]
        var waiters: [ObjectIdentifier: ExtentWaiter] = [:]
        /// Waiters whose extent went by and is not in the store: they get the next download.
        var late: [ObjectIdentifier: ExtentWaiter] = [:]
        /// Why the sink refused the reply.
        var refusal: SourceError?
        var exchange: (any HTTPExchange)?
        /// Whether a reader has waited, and not only one in the background.
        var isDemand = false
        var isEnded = false
        var isStopped = false
    }

    private let key: SequentialDownloads.Key
    private let url: String
    private let files: SequentialDownloads
    /// Of the read that began the download: the log follows a read to its request by it.
    let requestID: UInt64
    private let object: SourceObject
    private let state: Monitor<State>
    private let began = Instant.now

    /// A download for `waiters`, which more may join.
    init(of key: SequentialDownloads.Key, url: String, files: SequentialDownloads, waiters: [ExtentWaiter]) {
        self.key = key
        self.url = url
        self.files = files
        requestID = waiters.first?.request.requestID ?? 0
        object = SourceObject(id: key.object)
        var state = State()
        for waiter in waiters { state.waiters[ObjectIdentifier(waiter)] = waiter }
        state.isDemand = waiters.contains(where: \.isDemand)
        self.state = Monitor(state)
    }

    /// Whether no bytes will come any more.
    var isOver: Bool { state.withLock { $0.isEnded || $0.isStopped } }

    /// Starts the request.
    func start() {
        var request = HTTPRequest(url: url, expects: .bytes, maximumBody: key.length)
        request.expectedLength = key.length
        request.sink = self
        request.isMetadata = key.length <= ObjectExtents.size
        request.requestID = requestID
        request.object = "\(key.object)"
        request.lane = state.withLock { $0.isDemand } ? .demand : .prefetch
        files.requests.add()
        let exchange = files.network.start(request) { [self] result in
            end(result.map { _ in }.mapError { SourceError($0) })
        }
        let (isStopped, isDemand) = state.withLock { state in
            if !state.isEnded { state.exchange = exchange }
            return (state.isStopped, state.isDemand)
        }
        if isStopped { exchange.cancel() }
        if isDemand, request.lane == .prefetch { exchange.promote() }
    }

    /// Lets a waiter join the download.
    func join(_ waiter: ExtentWaiter) -> Joining {
        let joining = state.withLock { state -> Joining in
            if let block = state.pending[waiter.index] { return .block(block) }
            if state.isEnded || state.isStopped { return .ended }
            if waiter.index >= state.index {
                state.waiters[ObjectIdentifier(waiter)] = waiter
            } else if waiter.request.isAfterPassing {
                state.late[ObjectIdentifier(waiter)] = waiter
            } else {
                return .passed
            }
            return .waits
        }
        guard case .waits = joining else { return joining }
        // Cancelled before it joined.
        if !waiter.follow(self) { leave(waiter) }
        if waiter.isDemand { promote() }
        return .waits
    }

    /// A reader waits by now.
    func promote() {
        let exchange = state.withLock { state -> (any HTTPExchange)? in
            guard !state.isDemand else { return nil }
            state.isDemand = true
            return state.exchange
        }
        exchange?.promote()
    }

    /// Takes a waiter out. The download goes on for the sake of the store while the file is open.
    func leave(_ waiter: ExtentWaiter) {
        state.withLock { state in
            state.waiters[ObjectIdentifier(waiter)] = nil
            state.late[ObjectIdentifier(waiter)] = nil
        }
        if !files.isOpen(key) { stopIfUnwanted() }
    }

    /// Gives the download up if no reader waits for it and there is more to come.
    func stopIfUnwanted() {
        let isUnwanted = state.withLock { state in
            guard state.waiters.isEmpty, state.late.isEmpty, !state.isEnded,
                state.index < ObjectExtents.count(key.length)
            else { return false }
            state.isStopped = true
            return true
        }
        if isUnwanted { end(.failure(.cancelled)) }
    }

    /// Ends the download, once. Waiters get the failure, or the next download.
    func end(_ result: Result<Void, SourceError>) {
        let (waiters, late, refusal, exchange, isEmpty) = state.withLock { state in
            let wasEnded = state.isEnded
            state.isEnded = true
            state.isStopped = true
            defer { (state.waiters, state.late, state.exchange, state.partial) = ([:], [:], nil, []) }
            return wasEnded
                ? ([], [], nil, nil, state.pending.isEmpty)
                : (
                    Array(state.waiters.values), Array(state.late.values), state.refusal, state.exchange,
                    state.pending.isEmpty
                )
        }
        if isEmpty { files.forget(self, of: key) }
        switch result {
        case .failure(let error):
            exchange?.cancel()
            for waiter in waiters + late { waiter.finish(.failure(refusal ?? error)) }
        case .success:
            let error = SourceError(.wrongLength, "the file ended before the extent (\(url))")
            for waiter in waiters { waiter.finish(.failure(error)) }
            if !late.isEmpty { files.startDownload(of: key, for: late) }
        }
    }

    func begin(_ head: ResponseHead) -> Bool {
        let version = head.validator
        return state.withLock { state in
            guard !state.isStopped else { return false }
            if key.version != version {
                state.refusal = SourceError(.changed(version), "the file is of another version (\(url))")
                return false
            }
            // Also after a broken transfer: it starts afresh, and extents handled before are handled once more.
            state.version = version
            state.index = 0
            state.partial = []
            return true
        }
    }

    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while offset < bytes.count {
            let wanted = state.withLock { state in
                let room = ObjectExtents.bytes(of: state.index, length: key.length).count - state.partial.count
                let count = state.isStopped ? 0 : min(room, bytes.count - offset)
                if count > 0, state.partial.isEmpty { state.partial.reserveCapacity(room) }
                unsafe state.partial.append(contentsOf: bytes[offset..<(offset + count)])
                return (count: count, isFull: count > 0 && count == room)
            }
            // Nothing fits behind the last extent: more came than the file has.
            guard wanted.count > 0 else { return false }
            offset += wanted.count
            if wanted.isFull { cut() }
        }
        return true
    }

    /// The extent being filled is complete: its waiters get it, else the store.
    private func cut() {
        let hasWaiters = state.withLock { state in state.waiters.values.contains { $0.index == state.index } }
        let isKept = !hasWaiters && files.takePendingExtent()
        let (index, block, waiters) = state.withLock { state in
            let index = state.index
            let block = SourceBlock(
                // To get this extent again, a download must come this far again.
                bytes: state.partial, version: state.version, seconds: Instant.now.seconds(since: began))
            let waiters = state.waiters.values.filter { $0.index == index }
            for waiter in waiters { state.waiters[ObjectIdentifier(waiter)] = nil }
            if isKept { state.pending[index] = block }
            state.index += 1
            state.partial = []
            return (index, block, waiters)
        }
        for waiter in waiters { waiter.finish(.success(block)) }
        guard isKept else { return }
        let isQueued = files.workers.submit(.prefetch) { [self] in
            files.store(
                block,
                BlockRequest(object: object, part: .extent(index, length: key.length), expected: block.version))
            letGo(index)
        }
        if !isQueued { letGo(index) }
    }

    /// Extent `index` is no longer on its way to the store.
    private func letGo(_ index: Int) {
        let isLast = state.withLock { state in
            state.pending[index] = nil
            return state.isEnded && state.pending.isEmpty
        }
        files.giveBackPendingExtent()
        if isLast { files.forget(self, of: key) }
    }
}
