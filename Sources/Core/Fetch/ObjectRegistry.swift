package import Logging
package import Specimens
package import Support

/// What is known of a source's objects: length, version, date. Asked once and kept by the source, so that sizes are true
/// before a byte is read and a second mount asks nothing.
package final class ObjectRegistry: Sendable {
    private let source: any BlockSource
    private let records: any ObjectRecords
    private let workers: WorkerPool
    private let logger: Logger
    private let known: MemoryCache<ObjectID, ObjectRecord>
    /// Whether the keeper has no record of an object, where it was looked for.
    private let absent: MemoryCache<ObjectID, Bool>
    private let changes = Monitor(Changes())
    /// Held from reading or writing the records until memory agrees with them, so that an old record cannot take the place
    /// of a newer one. Taken before the locks of the tables; on workers only.
    private let order = Monitor(Turn())
    private let flights: FlightTable<ObjectID, ObjectRecord, FetchError>
    /// Questions under way whether an object is still what it was.
    private let revalidating = Monitor<[ObjectID: Promise<ObjectRecord, FetchError>]>([:])
    private let observers = Monitor<[@Sendable ([ObjectRecord]) -> Void]>([])

    /// What has changed upstream since the registry was made. Objects change rarely, so there are few.
    private struct Changes {
        /// Changes so far.
        var moment = 0
        /// The present record of every object that has changed, and the moment of its last change.
        var latest: [ObjectID: (record: ObjectRecord, moment: Int)] = [:]
        /// Objects that stand where others stood, and when that began.
        var successors: [ObjectID: Int] = [:]
    }

    /// Seconds for which a version counts as true without asking again: a day, as for the list of specimens.
    private static let freshness = 86_400.0

    /// A registry over a source.
    ///
    /// - Parameters:
    ///   - records: keeps records from one mount to the next.
    ///   - capacity: objects whose records are kept in memory; those that have changed are kept besides.
    package init(
        source: any BlockSource, records: any ObjectRecords, workers: WorkerPool, capacity: Int = 20_000, logger: Logger
    ) {
        self.source = source
        self.records = records
        self.workers = workers
        self.logger = logger
        known = MemoryCache(limit: capacity)
        absent = MemoryCache(limit: capacity)
        flights = FlightTable(cancelled: .cancelled, logger: logger)
    }

    /// Calls `observer`, on a worker, with the objects whose version has grown.
    package func onChange(_ observer: @escaping @Sendable ([ObjectRecord]) -> Void) {
        observers.withLock { $0.append(observer) }
    }

    /// The record of `id` if it is in memory. That of an object which has changed always is.
    package func cached(_ id: ObjectID) -> ObjectRecord? {
        known[id] ?? changes.withLock { $0.latest[id]?.record }
    }

    /// The number of changes seen so far, to be given to ``hasChanged(_:since:)`` later.
    package var moment: Int { changes.withLock { $0.moment } }

    /// Whether `id` was found to have changed upstream after `moment`; without one, since the registry was made. True
    /// before ``cached(_:)`` gives the new record.
    package func hasChanged(_ id: ObjectID, since moment: Int = 0) -> Bool {
        changes.withLock { changes in
            changes.latest[id].map { $0.moment > moment } ?? changes.successors[id].map { $0 > moment } ?? false
        }
    }

    /// Whether none of `versions` is known to have been followed by another.
    package func holds(_ versions: [ObjectVersion]) -> Bool {
        versions.allSatisfy { version in cached(version.id).map { $0.number == version.number } ?? true }
    }

    /// The source names `new` where it named `old`: handles on the old one are of an earlier version, and the kernel may
    /// have its pages in the place of the new one's.
    package func supersede(_ old: ObjectID, by new: ObjectID) {
        order.withLock { _ in
            let last = cached(old)
            changes.withLock { changes in
                changes.moment += 1
                changes.successors[new] = changes.moment
                guard var last else { return }
                last.number += 1
                changes.latest[old] = (last, changes.moment)
                keep(last)
            }
        }
    }

    /// Brings the record of `object` into memory, then calls `completion`. Asks a local source; of any other source the
    /// kept record is taken, where there is one.
    package func load(_ object: SourceObject, completion: @escaping @Sendable () -> Void) {
        let id = object.id
        if source.isLocal(id) {
            // A failure shows itself when the bytes are read.
            return present(object, token: CancellationToken()).whenDone { _ in completion() }
        }
        if cached(id) != nil || absent[id] == true { return completion() }
        let queued = workers.submit { [self] in
            _ = recall(id)
            completion()
        }
        if !queued { completion() }
    }

    /// The record of `id` from memory or from its keeper, and then in memory. Reads the disk: on a worker.
    private func recall(_ id: ObjectID) -> ObjectRecord? {
        order.withLock { _ in
            if let record = cached(id) { return record }
            let record = stored(id)
            if let record { keep(record) } else { absent.insert(true, for: id, cost: 1) }
            return record
        }
    }

    /// The record of `object`: from memory, from its keeper, or by asking the source. A local source is always asked.
    package func record(of object: SourceObject, token: CancellationToken) -> Promise<ObjectRecord, FetchError> {
        if source.isLocal(object.id) { return present(object, token: token) }
        if let record = cached(object.id) { return Promise(.success(record)) }
        return flights.join(object.id, token: token) { token in
            let (promise, resolver) = Promise<ObjectRecord, FetchError>.pending()
            let queued = workers.submit { [self] in
                if let record = recall(object.id) {
                    resolver.resolve(.success(record))
                } else {
                    ask(object, counts: false, token: token).whenDone { resolver.resolve($0) }
                }
            }
            if !queued { resolver.resolve(.failure(.shutDown)) }
            return promise
        }
    }

    /// The record of `object` as a local source has it now.
    private func present(_ object: SourceObject, token: CancellationToken) -> Promise<ObjectRecord, FetchError> {
        flights.join(object.id, token: token) { [self] token in ask(object, counts: false, token: token) }
    }

    /// Asks the source again whether `object` is still what it was; observers are called if not. A failure is only logged:
    /// what is known stays good.
    ///
    /// Asks once at a time: while the answer is on its way, nothing is asked again.
    ///
    /// - Parameter counts: whether the object is fetched to count its bytes, because the length that was given is not true.
    package func revalidate(_ object: SourceObject, counts: Bool = false) {
        let (promise, resolver) = Promise<ObjectRecord, FetchError>.pending()
        let isFirst = revalidating.withLock { revalidating in
            guard revalidating[object.id] == nil else { return false }
            revalidating[object.id] = promise
            return true
        }
        guard isFirst else { return }
        ask(object, counts: counts, token: CancellationToken()).whenDone { [self] outcome in
            revalidating.withLock { $0[object.id] = nil }
            resolver.resolve(outcome)
            if case .failure(let error) = outcome {
                logger.debug("could not revalidate", metadata: ["object": "\(object.id)", "reason": "\(error)"])
            }
        }
    }

    /// Waits for the answer when it is being asked whether `id` is still what it was. What the answer is, or that there is
    /// none, is not told.
    package func settle(_ id: ObjectID, token: CancellationToken) -> Promise<Void, FetchError> {
        guard let question = revalidating.withLock({ $0[id] }) else { return Promise(.success(())) }
        let (promise, resolver) = Promise<Void, FetchError>.pending()
        token.onCancel { resolver.resolve(.failure(.cancelled)) }
        question.whenDone { _ in resolver.resolve(.success(())) }
        return promise
    }

    /// Asks in the background whether `object` has changed, if that was last asked longer than a day ago.
    package func revalidateIfStale(_ object: SourceObject, _ record: ObjectRecord) {
        guard !source.isLocal(object.id), !isFresh(checkedAt: record.checkedAt, for: Self.freshness),
            source.outage(for: object.id) == nil
        else {
            return
        }
        revalidate(object)
    }

    private func ask(
        _ object: SourceObject, counts: Bool, token: CancellationToken
    ) -> Promise<ObjectRecord, FetchError> {
        source.stat(object, counts: counts, token: token).map { [self] in learn($0) }.mapError {
            FetchError($0, of: object.id, expected: nil)
        }
    }

    /// The record of an object that is not in memory; nil when its length cannot be, so that it is asked for again. Reads
    /// the disk: on a worker.
    private func stored(_ id: ObjectID) -> ObjectRecord? {
        let record = records.record(of: id)
        return (0...Self.longestFile).contains(record?.length ?? 0) ? record : nil
    }

    /// Notes the version that a block came with, for an object of which nothing is known. Writes the disk: on a worker.
    func learnVersion(_ version: String, of id: ObjectID) {
        guard cached(id) == nil else { return }
        learn(ObjectRecord(id: id, tag: version.isEmpty ? nil : version, checkedAt: wallClockSeconds()))
    }

    /// Notes that a reply named another version of `id` than the known one. Writes the disk: on a worker.
    package func learnChange(_ id: ObjectID, to version: String) {
        learn(ObjectRecord(id: id, tag: version, checkedAt: wallClockSeconds()))
    }

    /// Notes what a reply said of an object. When that differs from what was known, the number of its version grows and
    /// observers are called. Writes the disk: on a worker.
    @discardableResult
    package func learn(_ reply: ObjectRecord) -> ObjectRecord {
        let (record, isChanged) = take(reply)
        if isChanged { tell([record]) }
        return record
    }

    /// Notes what the source says of several objects. Observers are called once with all that have changed.
    func learn(_ replies: [ObjectRecord]) {
        let changed = replies.map(take).filter(\.isChanged).map(\.record)
        if !changed.isEmpty { tell(changed) }
    }

    private func take(_ reply: ObjectRecord) -> (record: ObjectRecord, isChanged: Bool) {
        let (record, previous) = order.withLock { _ -> (ObjectRecord, ObjectRecord?) in
            let previous = cached(reply.id) ?? stored(reply.id)
            let record = records.keep(reply, after: previous)
            note(record, after: previous)
            return (record, previous)
        }
        guard let previous, previous.number != record.number else { return (record, false) }
        logger.notice(
            "changed upstream",
            metadata: ["object": "\(record.id)", "old": "\(previous.validator)", "new": "\(record.validator)"])
        return (record, true)
    }

    private func tell(_ changed: [ObjectRecord]) {
        for observer in observers.withLock({ $0 }) { observer(changed) }
    }

    /// Takes `record` into memory, and notes whether it is of another version than the `previous` one.
    private func note(_ record: ObjectRecord, after previous: ObjectRecord?) {
        // Before the new version can be found: an open that finds it must know that the kernel may have older pages.
        changes.withLock { changes in
            if let previous, previous.number != record.number {
                changes.moment += 1
                changes.latest[record.id] = (record, changes.moment)
            } else if changes.latest[record.id] != nil {
                changes.latest[record.id]?.record = record
            }
        }
        keep(record)
    }

    private func keep(_ record: ObjectRecord) {
        known.insert(record, for: record.id, cost: 1)
        if absent[record.id] == true { absent.insert(false, for: record.id, cost: 1) }
    }

    /// The longest file that is possible, bytes (1 PiB): a recording has less than 2 GB, and no sum or product that is made
    /// of a length below this overflows.
    package static let longestFile = 1 << 50
}
