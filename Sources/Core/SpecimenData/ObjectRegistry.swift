public import Catalogue
internal import Fetch
internal import Logging
public import Support
internal import Transport

/// What is known of the origin's objects: length, validator, when they changed. Asked once, kept in the catalogue,
/// so that sizes are true before a byte is read and a second mount asks nothing.
public final class ObjectRegistry: Sendable {
    private let origin: Origin
    private let known: MemoryCache<String, ObjectRecord>
    /// Whether the catalogue has no record of an object, where it was looked for.
    private let absent: MemoryCache<String, Bool>
    private let changes = Monitor(Changes())
    /// Held from reading or writing the catalogue until memory agrees with it, so that an old record cannot take the place
    /// of a newer one. Taken before the locks of the tables; on workers only.
    private let order = Monitor(Turn())
    private let flights: FlightTable<String, ObjectRecord>
    private let revalidating = Monitor<Set<String>>([])
    private let observers = Monitor<[@Sendable (ObjectRecord) -> Void]>([])

    /// What has changed upstream since the registry was made. Files change rarely, so there are few.
    private struct Changes {
        /// Changes so far.
        var moment = 0
        /// The present record of every object that has changed, and the moment of its last change.
        var latest: [String: (record: ObjectRecord, moment: Int)] = [:]
        /// Objects that stand where others stood, and when that began.
        var successors: [String: Int] = [:]
    }

    /// A registry over `origin`.
    ///
    /// - Parameter capacity: objects whose records are kept in memory; the catalogue has the others. Those that have
    ///   changed are kept besides.
    public init(origin: Origin, capacity: Int = 20_000) {
        self.origin = origin
        known = MemoryCache(limit: capacity)
        absent = MemoryCache(limit: capacity)
        flights = FlightTable(logger: origin.logger)
    }

    /// Calls `observer`, on a worker, with every object whose version has grown.
    public func onChange(_ observer: @escaping @Sendable (ObjectRecord) -> Void) {
        observers.withLock { $0.append(observer) }
    }

    /// The record of `id` if it is in memory. That of an object which has changed always is.
    public func cached(_ id: String) -> ObjectRecord? {
        known[id] ?? changes.withLock { $0.latest[id]?.record }
    }

    /// The number of changes seen so far, to be given to ``hasChanged(_:since:)`` later.
    public var moment: Int { changes.withLock { $0.moment } }

    /// Whether `id` was found to have changed upstream after `moment`; without one, since the registry was made. True
    /// before ``cached(_:)`` gives the new record.
    public func hasChanged(_ id: String, since moment: Int = 0) -> Bool {
        changes.withLock { changes in
            changes.latest[id].map { $0.moment > moment } ?? changes.successors[id].map { $0 > moment } ?? false
        }
    }

    /// The catalogue names `new` where it named `old`: handles on the old one are of an earlier version, and the kernel may
    /// have its pages in the place of the new one's.
    public func supersede(_ old: String, by new: String) {
        order.withLock { _ in
            let last = cached(old)
            changes.withLock { changes in
                changes.moment += 1
                changes.successors[new] = changes.moment
                guard var last else { return }
                last.version += 1
                changes.latest[old] = (last, changes.moment)
                keep(last)
            }
        }
    }

    /// Brings the record of `id` from the catalogue into memory, where there is one, then calls `completion`. Does not
    /// ask the origin.
    func load(_ id: String, completion: @escaping @Sendable () -> Void) {
        if cached(id) != nil || absent[id] == true { return completion() }
        let queued = origin.workers.submit { [self] in
            _ = recall(id)
            completion()
        }
        if !queued { completion() }
    }

    /// The record of `id` from memory or from the catalogue, and then in memory. Reads the disk: on a worker.
    private func recall(_ id: String) -> ObjectRecord? {
        order.withLock { _ in
            if let record = cached(id) { return record }
            let record = stored(id)
            if let record { keep(record) } else { absent.insert(true, for: id, cost: 1) }
            return record
        }
    }

    /// The record of `file`: from memory, from the catalogue, or by asking the origin.
    public func record(
        of file: RemoteFile, token: CancellationToken,
        completion: @escaping @Sendable (Result<ObjectRecord, SpecimenDataError>) -> Void
    ) {
        if let record = cached(file.id) { return completion(.success(record)) }
        flights.join(file.id, token: token, completion: completion) { token, finish in
            let queued = origin.workers.submit { [self] in
                if let record = recall(file.id) { return finish(.success(record)) }
                ask(file, .first(for: file), token: token, completion: finish)
            }
            if !queued { finish(.failure(.shutDown)) }
        }
    }

    /// Asks the origin again whether `file` is still what it was; observers are told if not. A failure is only logged:
    /// what is known stays good.
    ///
    /// Asks once at a time: while the answer is on its way, nothing is asked again.
    ///
    /// - Parameter counts: whether the file is fetched to count its bytes, because the length that was told is not true.
    public func revalidate(_ file: RemoteFile, counts: Bool = false) {
        guard revalidating.withLock({ $0.insert(file.id).inserted }) else { return }
        let logger = origin.logger
        ask(file, counts ? .whole : .first(for: file), token: CancellationToken()) { [self] outcome in
            revalidating.withLock { _ = $0.remove(file.id) }
            if case .failure(let error) = outcome {
                logger.debug("could not revalidate", metadata: ["object": "\(file.id)", "reason": "\(error)"])
            }
        }
    }

    /// Asks in the background whether `file` has changed, if that was last asked longer than ``freshness`` ago.
    func revalidateIfStale(_ file: RemoteFile, _ record: ObjectRecord) {
        guard !isFresh(checkedAt: record.checkedAt, for: Self.freshness), !origin.fetcher.isOffline else { return }
        revalidate(file)
    }

    /// Seconds for which a validator is believed without asking again: a day, as for the list of cells.
    private static let freshness = CatalogueService.freshness

    /// The record of an object that is not in the registry yet but in the catalogue; nil when its length cannot be, so that
    /// it is asked for again. Reads the disk: on a worker.
    func stored(_ id: String) -> ObjectRecord? {
        do throws(CatalogueError) {
            let record = try origin.store.object(id)
            return (0...Self.longestFile).contains(record?.length ?? 0) ? record : nil
        } catch {
            origin.logger.warning("catalogue unreadable", metadata: ["object": "\(id)", "reason": "\(error)"])
            return nil
        }
    }

    /// Notes what a reply said of `id`. When that differs from what was known, the version grows and observers are
    /// told. Writes the disk: on a worker.
    @discardableResult
    func learn(
        _ id: String, length: Int?, etag: String?, lastModified: String?, contentType: String?
    ) -> ObjectRecord {
        let (record, previous) = order.withLock { _ -> (ObjectRecord, ObjectRecord?) in
            let previous = cached(id) ?? stored(id)
            var record = ObjectRecord(
                id: id, length: length, etag: etag, lastModified: lastModified, contentType: contentType,
                checkedAt: wallClockSeconds(), version: previous?.version ?? 1)
            do throws(CatalogueError) {
                record = try origin.store.saveObject(record)
            } catch {
                if let previous, previous.validator != record.validator { record.version = previous.version + 1 }
                // The store warns, once and not for every object.
                origin.logger.debug("catalogue not writable", metadata: ["object": "\(id)", "reason": "\(error)"])
            }
            note(record, after: previous)
            return (record, previous)
        }
        if let previous, previous.version != record.version {
            origin.logger.notice(
                "changed upstream",
                metadata: ["object": "\(id)", "old": "\(previous.validator)", "new": "\(record.validator)"])
            for observer in observers.withLock({ $0 }) { observer(record) }
        }
        return record
    }

    /// Takes `record` into memory, and notes whether it is of another version than the `previous` one.
    private func note(_ record: ObjectRecord, after previous: ObjectRecord?) {
        // Before the new version can be found: an open that finds it must know that the kernel may have older pages.
        changes.withLock { changes in
            if let previous, previous.version != record.version {
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

    /// How to learn the length of a file.
    private enum Question {
        /// Asks for its first byte: `Content-Range` must fit what was asked, so a reply that lies about the length has to
        /// lie twice. Also the only way that is sure to work where HEAD is refused or answered without a length.
        case firstByte
        /// Asks by HEAD: what is made on request, and what a server without ranges has.
        case head
        /// Fetches it whole and counts.
        case whole

        static func first(for file: RemoteFile) -> Question { file.isImage ? .head : .firstByte }
    }

    private func ask(
        _ file: RemoteFile, _ question: Question, token: CancellationToken,
        completion: @escaping @Sendable (Result<ObjectRecord, SpecimenDataError>) -> Void
    ) {
        var request = HTTPRequest(
            url: file.url, expects: file.isImage ? .jpeg : .bytes, maximumBody: Self.largestUnsizedFile)
        request.object = file.id
        if question == .head { request.method = .head }
        if question == .firstByte { request.range = 0..<1 }
        request.requestID = token.requestID
        origin.ask(request, token: token) { [self] outcome in
            switch outcome {
            case .failure(.transport(let error)) where question == .firstByte && error.saysNoRanges:
                ask(file, .head, token: token, completion: completion)
            case .failure(.transport(let error)) where question == .head && error.refusesMethod:
                ask(file, .whole, token: token, completion: completion)
            case .failure(let error): completion(.failure(error))
            case .success(let response):
                let head = response.head
                let length: Int? =
                    switch question {
                    case .firstByte: head.contentRange?.total
                    case .head: head.contentLength
                    case .whole: response.body.count
                    }
                guard let length else {
                    let next = question == .firstByte ? Question.head : .whole
                    return ask(file, next, token: token, completion: completion)
                }
                if question == .whole, let reason = file.picture?.fault(of: response.body) {
                    return completion(.failure(.unusableReply(url: file.url, reason: reason)))
                }
                guard length <= (file.isImage ? Self.largestUnsizedFile : Self.longestFile) else {
                    return completion(.failure(.unusableReply(url: file.url, reason: "\(length) bytes cannot be true")))
                }
                // Something on the way that answers for the server says no more than this.
                guard length > 0 || head.validator != "" else {
                    return completion(.failure(.unusableReply(url: file.url, reason: "no bytes, and of no version")))
                }
                let record = learn(
                    file.id, length: length, etag: head.etag, lastModified: head.lastModified,
                    contentType: head.contentType)
                completion(.success(record))
            }
        }
    }

    /// A file whose length the origin does not tell is believed up to this many bytes (64 MiB): only projections are
    /// made on request, and the largest frame (632 Mpx) takes about 30 MB.
    private static let largestUnsizedFile = 64 << 20

    /// A length is believed up to this many bytes (1 PiB): a recording has less than 2 GB, and no sum or product that is made
    /// of a length below this overflows.
    private static let longestFile = 1 << 50
}

extension ObjectRecord {
    /// What names this version: the ETag, else Last-Modified, else nothing.
    public var validator: String { etag ?? lastModified ?? "" }

    /// When the origin says the object was last modified, seconds since 1970.
    public var modified: Double? { lastModified.flatMap(HTTPDate.parse).map(Double.init) }
}

extension TransportError {
    /// Whether a file may be had from this server, but not its first byte alone. 416 is the reply about an empty file
    /// (RFC 9110, 15.5.17).
    fileprivate var saysNoRanges: Bool {
        switch self {
        case .rangeIgnored, .status(416, _), .status(501, _): true
        default: false
        }
    }

    /// Whether the server has no HEAD for this file (RFC 9110, 15.5.6 and 15.6.2).
    fileprivate var refusesMethod: Bool {
        switch self {
        case .status(405, _), .status(501, _): true
        default: false
        }
    }
}
