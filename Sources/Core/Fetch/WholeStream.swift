import BlockStore
import Support
import Transport

/// One pass over a whole file, cut into extents as its bytes arrive.
///
/// Memory: the extent being filled, and at most ``BlockFetcher/mostPendingExtents`` of all passes together that the
/// workers have not stored yet. The transport bounds how many passes are filling one at a time. When the disk is slower than the network, or there is no cache, further extents for which nobody waits are let go; whoever wants one
/// of them later causes another pass. The stream is never slowed down, because the transport thread serves all other
/// requests as well.
final class WholeStream: BodySink {
    enum Boarding {
        /// The reader is answered when its extent arrives, in this pass or the next, or when the pass fails.
        case waits
        /// The extent is still in memory.
        case block(FetchedBlock)
        /// The extent went by, and may be in the cache by now.
        case passed
        /// The pass is over, and the extent not in memory.
        case ended
    }

    private struct State {
        var validator = ""
        /// The extent being filled, and its number.
        var partial: [UInt8] = []
        var index = 0
        var pending: [Int: [UInt8]] = [:]
        var readers: [ObjectIdentifier: Reader] = [:]
        /// Readers whose extent went by and is not in the cache: they get the next pass.
        var late: [ObjectIdentifier: Reader] = [:]
        /// Why the sink refused the reply.
        var refusal: FetchError?
        var exchange: (any SourceExchange)?
        /// Whether anybody has waited, and not only read in the background.
        var isDemand = false
        var isEnded = false
        var isStopped = false
    }

    private let file: ExtentFile
    /// Of the read that began the pass: the log follows a read to its request by it.
    let requestID: UInt64
    private let state: Monitor<State>
    private let began = Instant.now

    /// A pass for `readers`, which more may join.
    init(file: ExtentFile, readers: [Reader]) {
        self.file = file
        requestID = readers.first?.plan.request.requestID ?? 0
        var state = State()
        for reader in readers { state.readers[ObjectIdentifier(reader)] = reader }
        state.isDemand = readers.contains { $0.plan.request.lane == .demand }
        self.state = Monitor(state)
    }

    private var fetcher: BlockFetcher { file.fetcher }

    /// Whether no bytes will come any more.
    var isOver: Bool { state.withLock { $0.isEnded || $0.isStopped } }

    /// Starts the request.
    func start() {
        guard fetcher.enter(self) else {
            end(.failure(.shutDown))
            return
        }
        var request = HTTPRequest(url: file.url, expects: file.expects, maximumBody: file.length)
        request.expectedLength = file.length
        request.sink = self
        request.isQuestion = file.isSmall
        request.requestID = requestID
        request.object = file.id
        request.lane = state.withLock { $0.isDemand } ? .demand : .prefetch
        fetcher.counters.requests.add()
        let started = request
        let exchange = fetcher.source.start(request) { [self] result in
            fetcher.circuit.note(result, of: started)
            end(result.map { _ in }.mapError { FetchError(ofStream: $0) })
        }
        let (isStopped, isDemand) = state.withLock { state in
            if !state.isEnded { state.exchange = exchange }
            return (state.isStopped, state.isDemand)
        }
        if isStopped { exchange.cancel() }
        if isDemand, request.lane == .prefetch { exchange.promote() }
    }

    /// Puts a reader on the pass.
    ///
    /// - Parameter isSure: whether the reader has found the cache without its extent after it was told that it passed.
    func board(_ reader: Reader, isSure: Bool) -> Boarding {
        let (boarding, isAboard, promoted) = state.withLock { state -> (Boarding, Bool, (any SourceExchange)?) in
            let boarding = Self.board(reader, isSure: isSure, &state)
            let isAboard = state.readers[ObjectIdentifier(reader)] != nil
            guard case .waits = boarding, reader.plan.request.lane == .demand, !state.isDemand else {
                return (boarding, isAboard, nil)
            }
            state.isDemand = true
            return (boarding, isAboard, state.exchange)
        }
        promoted?.promote()
        // Who waits for the next pass is told of that when it begins.
        if isAboard { fetcher.logJoined(reader.plan, of: requestID) }
        return boarding
    }

    private static func board(_ reader: Reader, isSure: Bool, _ state: inout State) -> Boarding {
        let index = reader.plan.index
        if let bytes = state.pending[index] {
            return .block(FetchedBlock(bytes: bytes, validator: state.validator, fromCache: false))
        }
        if state.isEnded || state.isStopped { return .ended }
        if index >= state.index {
            state.readers[ObjectIdentifier(reader)] = reader
        } else if isSure {
            state.late[ObjectIdentifier(reader)] = reader
        } else {
            return .passed
        }
        return .waits
    }

    /// Takes a reader off. The pass goes on for the sake of the cache.
    func leave(_ reader: Reader) {
        state.withLock { state in
            state.readers[ObjectIdentifier(reader)] = nil
            state.late[ObjectIdentifier(reader)] = nil
        }
    }

    /// Gives the pass up if nobody waits for it and there is more to come.
    func stopIfUnwanted() {
        let isUnwanted = state.withLock { state in
            guard state.readers.isEmpty, state.late.isEmpty, !state.isEnded, state.index < file.extentCount else {
                return false
            }
            state.isStopped = true
            return true
        }
        guard isUnwanted else { return }
        fetcher.counters.abandoned.add()
        end(.failure(.cancelled))
    }

    /// Ends the pass, once. Who still waits gets the failure, or the next pass.
    func end(_ result: Result<Void, FetchError>) {
        let (readers, late, refusal, exchange, isEmpty) = state.withLock { state in
            let wasEnded = state.isEnded
            state.isEnded = true
            state.isStopped = true
            defer { (state.readers, state.late, state.exchange, state.partial) = ([:], [:], nil, []) }
            return wasEnded
                ? ([], [], nil, nil, state.pending.isEmpty)
                : (
                    Array(state.readers.values), Array(state.late.values), state.refusal, state.exchange,
                    state.pending.isEmpty
                )
        }
        if isEmpty { file.forget(self) }
        fetcher.exit(self)
        switch result {
        case .failure(let error):
            exchange?.cancel()
            for reader in readers + late { reader.finish(.failure(refusal ?? error)) }
        case .success:
            for reader in readers { reader.finish(.failure(.invalidBlock(reason: "the file ended before the extent"))) }
            if !late.isEmpty { file.startStream(for: late) }
        }
    }

    func begin(_ head: ResponseHead) -> Bool {
        let validator = head.validator
        let expected = file.learn(validator)
        return state.withLock { state in
            guard !state.isStopped else { return false }
            if expected != validator {
                state.refusal = .changedUpstream(id: file.id, old: expected, new: validator)
                return false
            }
            // Also after a broken transfer: it starts afresh, and extents handled before are handled once more.
            state.validator = validator
            state.index = 0
            state.partial = []
            return true
        }
    }

    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while offset < bytes.count {
            let wanted = state.withLock { state in
                let room = file.byteRange(ofExtent: state.index).count - state.partial.count
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

    /// The extent being filled is complete: hands it to its readers and to the cache.
    private func cut() {
        let isKept = fetcher.cache != nil && fetcher.takePendingExtent()
        let (index, bytes, validator, readers) = state.withLock { state in
            let index = state.index
            let bytes = state.partial
            let readers = state.readers.values.filter { $0.plan.index == index }
            for reader in readers { state.readers[ObjectIdentifier(reader)] = nil }
            if isKept { state.pending[index] = bytes }
            state.index += 1
            state.partial = []
            return (index, bytes, state.validator, readers)
        }
        guard isKept || !readers.isEmpty else { return }
        let block = FetchedBlock(bytes: bytes, validator: validator, fromCache: false)
        let isTaken = fetcher.workers.submit(readers.isEmpty ? .prefetch : .demand) { [self] in
            // As in BlockFetcher: a reader in the background waits for the disk.
            let storesFirst = readers.allSatisfy { $0.plan.request.lane == .prefetch }
            if isKept, storesFirst { store(index, block) }
            for reader in readers { reader.finish(block) }
            if isKept, !storesFirst { store(index, block) }
        }
        if !isTaken {
            for reader in readers { reader.finish(.failure(.shutDown)) }
            if isKept { letGo(index) }
        }
    }

    private func store(_ index: Int, _ block: FetchedBlock) {
        let plan = file.plan(extent: index, deadline: nil, requestID: 0)
        let key = fetcher.blockKey(plan, block.validator)
        if let cache = fetcher.cache, !cache.contains(key) {
            // To get this extent again, the pass must come this far again.
            cache.write(key, block.bytes, fetchCost: Instant.now.seconds(since: began))
        }
        letGo(index)
    }

    /// Extent `index` is no longer on its way to the cache.
    private func letGo(_ index: Int) {
        let isLast = state.withLock { state in
            state.pending[index] = nil
            return state.isEnded && state.pending.isEmpty
        }
        fetcher.giveBackPendingExtent()
        if isLast { file.forget(self) }
    }
}

extension FetchError {
    /// The end of a pass that the transport tells.
    fileprivate init(ofStream error: TransportError) {
        switch error {
        case .cancelled: self = .cancelled
        case .shutDown: self = .shutDown
        default: self = .transport(error)
        }
    }
}
