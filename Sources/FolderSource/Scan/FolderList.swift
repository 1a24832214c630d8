internal import Logging
internal import Specimens
internal import Support

/// The list of the specimens of a folder, which is looked at every few seconds.
final class FolderList: Sendable {
    private struct State {
        var scan: FolderScan
        var pairs: [Int: FolderPair]
        var list: SpecimenList
        var outage: Outage?
        var isScanning = false
        /// When the next scan may begin.
        var next: Instant
    }

    private let root: FolderRoot
    private let identity: String
    private let location: FolderLocation
    private let reads: FolderReads
    private let workers: WorkerPool
    private let timeout: Double
    /// Seconds between two scans: a change shows after that at the latest.
    private let pause: Double
    private let logger: Logger
    private let state: Monitor<State>
    private let observers = Monitor<[@Sendable (SpecimenList) -> Void]>([])
    private let taker = Monitor<(@Sendable () -> (any BlockTaker)?)?>(nil)
    private let records: FolderRecords
    /// Specimens whose images were asked for.
    private let used = Monitor<Set<Int>>([])
    /// The versions of images, by specimen, that turned out to be unusable.
    private let unusable = Monitor<[Int: VersionHash]>([:])

    /// A scan takes at most one part of so many of the time, so that a folder of a million files keeps no thread busy.
    private static let share = 10.0

    /// Takes the first scan of the folder.
    init(
        _ scan: FolderScan, of root: FolderRoot, identity: String, location: FolderLocation, reads: FolderReads,
        records: FolderRecords, workers: WorkerPool, timeout: Double, pause: Double, logger: Logger
    ) {
        self.root = root
        self.identity = identity
        self.location = location
        self.reads = reads
        self.records = records
        self.workers = workers
        self.timeout = timeout
        self.pause = pause
        self.logger = logger
        state = Monitor(
            State(
                scan: scan, pairs: scan.byID, list: Self.list(scan.pairs, location, generation: 1),
                next: .now.advanced(bySeconds: pause)))
        log(scan.notices)
    }

    /// The present list.
    var list: SpecimenList { state.withLock { $0.list } }

    /// The files of a specimen; nil where the folder has it no more.
    func pair(_ specimen: Int) -> FolderPair? { state.withLock { $0.pairs[specimen] } }

    /// Why the folder is not to be read now; nil when it may be.
    var outage: Outage? { state.withLock { $0.outage } ?? reads.outage }

    /// Calls `observer`, on a worker, with every list of other content.
    func onChange(_ observer: @escaping @Sendable (SpecimenList) -> Void) { observers.withLock { $0.append(observer) } }

    /// Gives the list a taker for news of versions.
    func attach(_ taker: any BlockTaker) { self.taker.withLock { $0 = { [weak taker] in taker } } }

    /// The images of a specimen are asked for: from now on every scan looks at all of its files.
    func noteUse(of specimen: Int) { used.withLock { _ = $0.insert(specimen) } }

    /// The images of a specimen cannot be used in this version: the next scan shows its skeleton alone, or nothing of it.
    func noteUnusable(_ pair: FolderPair) { unusable.withLock { $0[pair.id] = pair.version } }

    /// The folder was found to be out of reach. The next scan finds out whether it is back.
    func noteOutage(_ reason: String) {
        let isNews = state.withLock { state in
            defer { state.outage = .unreachable(host: root.path, cause: reason) }
            return state.outage == nil
        }
        if isNews {
            logger.warning("the folder is out of reach", metadata: ["path": "\(root.path)", "reason": "\(reason)"])
        }
    }

    /// Starts a scan when one is due. Returns at once.
    func look() {
        guard state.withLock({ !$0.isScanning && $0.next <= .now }) else { return }
        _ = scan()
    }

    /// Goes over the folder now. A scan that takes longer than a read may take is taken all the same when it ends.
    ///
    /// - Returns: the list, on any thread. ``SourceError/Kind/cancelled`` while another scan is under way.
    func scan() -> Promise<SpecimenList, SourceError> {
        let isFirst = state.withLock { state in
            defer { state.isScanning = true }
            return !state.isScanning
        }
        guard isFirst else { return Promise(.failure(.cancelled)) }
        let hasBegun = Monitor(false)
        let answer = reads.run(.demand, by: .now.advanced(bySeconds: timeout)) { [self] _ in
            let start = Instant.now
            hasBegun.withLock { $0 = true }
            do throws(FolderFault) {
                let before = state.withLock { $0.scan }
                let scan = try FolderScan(
                    try root.open(), source: identity, after: before,
                    isUsed: { [used] id in
                        used.withLock { $0.contains(id) }
                    })
                return Promise(.success(take(scan, after: before, begun: start)))
            } catch {
                noteOutage(error.description)
                end(begun: start)
                return Promise(.failure(error.error("", in: root.path)))
            }
        }.answer
        // A scan that found no thread ends without a word of its own.
        answer.whenDone { [self] _ in if !hasBegun.withLock({ $0 }) { end(begun: .now) } }
        return answer
    }

    private func end(begun start: Instant) {
        let seconds = Instant.now.seconds(since: start)
        state.withLock { state in
            state.isScanning = false
            state.next = .now.advanced(bySeconds: max(pause, Self.share * seconds))
        }
    }

    /// Makes the list of a scan the present one, and tells those that watch what has changed.
    private func take(_ scan: FolderScan, after before: FolderScan, begun start: Instant) -> SpecimenList {
        let scan = scan.marked(unusable: unusable.withLock { $0 })
        let isChanged = scan.pairs.map(\.shown) != before.pairs.map(\.shown)
        let (list, wasOut) = state.withLock { state in
            if isChanged {
                state.list = Self.list(scan.pairs, location, generation: state.list.generation + 1)
                state.pairs = scan.byID
            }
            defer { state.outage = nil }
            state.scan = scan
            return (state.list, state.outage != nil)
        }
        if wasOut { logger.notice("the folder is back", metadata: ["path": "\(root.path)"]) }
        log(scan.notices.subtracting(before.notices))
        guard isChanged else {
            end(begun: start)
            return list
        }
        // The next scan waits until all have heard of this one, so that none hears of the next one first.
        let isQueued = workers.submit { [self] in
            let news = news(scan.byID)
            if !news.isEmpty { taker.withLock { $0 }?()?.changed(news) }
            for observer in observers.withLock({ $0 }) { observer(list) }
            end(begun: start)
        }
        if !isQueued { end(begun: start) }
        return list
    }

    /// The records of the objects that are known in another version.
    private func news(_ pairs: [Int: FolderPair]) -> [ObjectRecord] {
        pairs.values.flatMap { pair in
            records.known(of: pair.id).compactMap { id, validator in
                guard let place = pair.place(of: id), place.file.version.text != validator else { return nil }
                return ObjectRecord(id, place.file.version)
            }
        }
    }

    private func log(_ notices: Set<FolderScan.Notice>) {
        for notice in notices.sorted(by: { ($0.path, $0.reason) < ($1.path, $1.reason) }) {
            logger.warning(
                "a part of the folder is not shown",
                metadata: ["path": "\(root.path)/\(notice.path)", "reason": "\(notice.reason)"])
        }
    }

    private static func list(_ pairs: [FolderPair], _ location: FolderLocation, generation: Int) -> SpecimenList {
        let specimens = pairs.filter(\.isShown).map { Specimen($0, in: location.name) }
        var table = SpecimenTable(columns: FolderRow.columns)
        for specimen in specimens { table.append(specimen.row) }
        return SpecimenList(
            specimens: specimens, at: wallClockSeconds(), generation: generation, cellsJSON: Array("[]".utf8),
            cellsCSV: table.bytes)
    }
}

extension ObjectRecord {
    /// What the version of a file says of an object in it. An image has no length of its own.
    init(_ id: ObjectID, _ version: FileVersion) {
        self.init(
            id: id, length: id.kind == .file ? version.size : nil, tag: version.text, modified: version.modified,
            checkedAt: wallClockSeconds())
    }
}
