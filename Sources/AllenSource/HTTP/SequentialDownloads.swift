internal import Logging
internal import Specimens
internal import Support

/// Files of servers without ranges: each is read once, whole, and cut into extents for all readers that wait.
final class SequentialDownloads: Sendable {
    /// One version of a file.
    struct Key: Hashable, Sendable {
        let object: ObjectID
        /// Bytes of the file.
        let length: Int
        let version: String
    }

    private struct File {
        /// Whether the server has shown that it has no ranges.
        var isWhole = false
        /// Handles of the file: while there are any, a download goes on although no reader waits at the moment.
        var handles = 0
        var download: SequentialDownload?
        /// Whether there has been a download, whose extents the store may have.
        var hadDownload = false
    }

    private struct State {
        var files: [Key: File] = [:]
        /// Extents of all downloads in memory on their way to the store.
        var pendingExtents = 0
        var isShutDown = false
    }

    /// Extents of all downloads together in memory on their way to the store: 32 MiB.
    static let mostPendingExtents = 32

    let network: Network
    let workers: WorkerPool
    let logger: Logger
    let requests: Counter
    private let state = Monitor(State())
    private let taker = Monitor(Taker())

    private struct Taker {
        weak var taker: (any BlockTaker)?
    }

    init(network: Network, workers: WorkerPool, requests: Counter, logger: Logger) {
        self.network = network
        self.workers = workers
        self.requests = requests
        self.logger = logger
    }

    /// Stores extents for which no reader waits. The taker keeps the source, so it is not kept here.
    func attach(_ taker: any BlockTaker) {
        self.taker.withLock { $0.taker = taker }
    }

    func isWhole(_ key: Key) -> Bool { state.withLock { $0.files[key]?.isWhole ?? false } }

    func noteWhole(_ key: Key) { state.withLock { $0.files[key, default: File()].isWhole = true } }

    func opened(_ key: Key) { state.withLock { $0.files[key, default: File()].handles += 1 } }

    /// A handle is closed. With the last one, a download that no reader waits for is given up.
    func closed(_ key: Key) {
        let download = state.withLock { state -> SequentialDownload? in
            guard var file = state.files[key] else { return nil }
            file.handles -= 1
            state.files[key] = file.handles == 0 && !file.isWhole ? nil : file
            return file.handles == 0 ? file.download : nil
        }
        download?.stopIfUnwanted()
    }

    func isOpen(_ key: Key) -> Bool { state.withLock { ($0.files[key]?.handles ?? 0) > 0 } }

    /// Answers a waiter from the download of its file, which is begun if there is none.
    ///
    /// An extent leaves a download's memory after it was stored. So a waiter whose extent is not in memory any more gets
    /// ``SourceError/Kind/passed``: the caller looks into its store and asks again.
    func serve(_ waiter: ExtentWaiter, _ key: Key) {
        let (download, hadDownload) = state.withLock { ($0.files[key]?.download, $0.files[key]?.hadDownload ?? false) }
        switch download?.join(waiter) ?? .ended {
        case .waits:
            logJoined(waiter, download)
        case .block(let block):
            waiter.finish(.success(block))
        case .ended where waiter.request.isAfterPassing || !hadDownload:
            startDownload(of: key, for: [waiter])
        case .ended, .passed:
            waiter.finish(.failure(SourceError(.passed, "the extent went by in a download of the whole file")))
        }
    }

    /// Tells which read's request a reader waits for.
    private func logJoined(_ waiter: ExtentWaiter, _ download: SequentialDownload?) {
        guard let download, waiter.request.requestID != download.requestID else { return }
        logger.debug(
            "joined",
            metadata: [
                "request": "\(waiter.request.requestID)", "of": "\(download.requestID)",
                "url": "\(waiter.url.prefix(300))",
            ])
    }

    /// Begins a download for `waiters`, or has them join one that has begun meanwhile.
    func startDownload(of key: Key, for waiters: [ExtentWaiter]) {
        guard let first = waiters.first else { return }
        if let outage = network.outage(of: first.url) {
            for waiter in waiters { waiter.finish(.failure(SourceError(.outage(outage), "\(outage)"))) }
            return
        }
        let fresh = SequentialDownload(of: key, url: first.url, files: self, waiters: waiters)
        enum Start {
            case first, shutDown, joins
        }
        let start = state.withLock { state -> Start in
            if state.isShutDown { return .shutDown }
            var file = state.files[key] ?? File(isWhole: true)
            // Lock order: the table before a download.
            guard file.download?.isOver ?? true else { return .joins }
            (file.download, file.hadDownload) = (fresh, true)
            state.files[key] = file
            return .first
        }
        switch start {
        case .shutDown: for waiter in waiters { waiter.finish(.failure(.shutDown)) }
        case .joins: for waiter in waiters { serve(waiter, key) }
        case .first:
            for waiter in waiters.dropFirst() { logJoined(waiter, fresh) }
            for waiter in waiters where !waiter.follow(fresh) { fresh.leave(waiter) }
            fresh.start()
        }
    }

    /// Drops a download that is over and holds nothing more.
    func forget(_ download: SequentialDownload, of key: Key) {
        state.withLock { state in
            if state.files[key]?.download === download { state.files[key]?.download = nil }
        }
    }

    /// Ends all downloads, and those that would begin later.
    func shutDown() {
        let downloads = state.withLock { state in
            state.isShutDown = true
            return state.files.values.compactMap(\.download)
        }
        for download in downloads { download.end(.failure(.shutDown)) }
    }

    /// Extents in memory on their way to the store.
    var pendingExtents: Int { state.withLock { $0.pendingExtents } }

    /// Downloads that may still bring bytes.
    var downloadsUnderWay: Int { state.withLock { state in state.files.values.count { $0.download?.isOver == false } } }

    /// Counts an extent that is to be kept in memory until it is in the store. Returns false when there are too many, or no
    /// store; otherwise ``giveBackPendingExtent()`` follows.
    func takePendingExtent() -> Bool {
        guard taker.withLock({ $0.taker })?.takesBlocks == true else { return false }
        return state.withLock { state in
            guard state.pendingExtents < Self.mostPendingExtents else { return false }
            state.pendingExtents += 1
            return true
        }
    }

    /// An extent is no longer on its way to the store.
    func giveBackPendingExtent() { state.withLock { $0.pendingExtents -= 1 } }

    /// Has the taker store an extent. On a worker.
    func store(_ block: SourceBlock, _ request: BlockRequest) { taker.withLock { $0.taker }?.take(block, request) }
}
