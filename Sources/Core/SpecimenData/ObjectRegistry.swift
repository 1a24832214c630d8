public import Catalogue
internal import Fetch
internal import Logging
public import Support
internal import Transport

/// What is known of the origin's objects: length, validator, when they changed. Asked once, kept in the catalogue,
/// so that sizes are true before a byte is read and a second mount asks nothing.
public final class ObjectRegistry: Sendable {
    private let origin: Origin
    private let known = MemoryCache<String, ObjectRecord>(limit: 20_000)
    private let absent = MemoryCache<String, Bool>(limit: 20_000)
    private let flights = FlightTable<String, ObjectRecord>()
    private let revalidating = Monitor<Set<String>>([])
    private let observers = Monitor<[@Sendable (ObjectRecord) -> Void]>([])

    /// A registry over `origin`.
    public init(origin: Origin) { self.origin = origin }

    /// Calls `observer`, on a worker, with every object whose version has grown.
    public func onChange(_ observer: @escaping @Sendable (ObjectRecord) -> Void) {
        observers.withLock { $0.append(observer) }
    }

    /// The record of `id` if it is in memory.
    public func cached(_ id: String) -> ObjectRecord? { known[id] }

    /// Brings the record of `id` from the catalogue into memory, where there is one, then calls `completion`. Does not
    /// ask the origin.
    func load(_ id: String, completion: @escaping @Sendable () -> Void) {
        if known[id] != nil || absent[id] != nil { return completion() }
        let queued = origin.workers.submit { [self] in
            if let record = stored(id) {
                known.insert(record, for: id, cost: 1)
            } else {
                absent.insert(true, for: id, cost: 1)
            }
            completion()
        }
        if !queued { completion() }
    }

    /// The record of `file`: from memory, from the catalogue, or by asking the origin.
    public func record(
        of file: RemoteFile, token: CancellationToken,
        completion: @escaping @Sendable (Result<ObjectRecord, SpecimenDataError>) -> Void
    ) {
        if let record = known[file.id] { return completion(.success(record)) }
        flights.join(file.id, token: token, completion: completion) { token, finish in
            let queued = origin.workers.submit { [self] in
                if let record = stored(file.id) {
                    known.insert(record, for: file.id, cost: 1)
                    return finish(.success(record))
                }
                ask(file, .first(for: file), token: token, completion: finish)
            }
            if !queued { finish(.failure(.shutDown)) }
        }
    }

    /// Asks the origin again whether `file` is still what it was; observers are told if not. A failure is only logged:
    /// what is known stays good.
    ///
    /// - Parameter counts: whether the file is fetched to count its bytes, because the length that was told is not true.
    public func revalidate(_ file: RemoteFile, counts: Bool = false) {
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
        guard wallClockSeconds() - record.checkedAt > Self.freshness, !origin.fetcher.isOffline else { return }
        let isFirst = revalidating.withLock { $0.insert(file.id).inserted }
        guard isFirst else { return }
        revalidate(file)
    }

    /// Seconds for which a validator is believed without asking again: a day, as for the list of cells.
    private static let freshness = CatalogueService.freshness

    /// The record of an object that is not in the registry yet but in the catalogue. Reads the disk: on a worker.
    func stored(_ id: String) -> ObjectRecord? {
        do throws(CatalogueError) {
            return try origin.store.object(id)
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
        let previous = known[id] ?? stored(id)
        var record = ObjectRecord(
            id: id, length: length, etag: etag, lastModified: lastModified, contentType: contentType,
            checkedAt: wallClockSeconds(), version: previous?.version ?? 1)
        do throws(CatalogueError) {
            record = try origin.store.saveObject(record)
        } catch {
            if let previous, previous.validator != record.validator { record.version = previous.version + 1 }
            origin.logger.warning("catalogue not writable", metadata: ["object": "\(id)", "reason": "\(error)"])
        }
        known.insert(record, for: id, cost: 1)
        if let previous, previous.version != record.version {
            origin.logger.notice(
                "changed upstream",
                metadata: ["object": "\(id)", "old": "\(previous.validator)", "new": "\(record.validator)"])
            for observer in observers.withLock({ $0 }) { observer(record) }
        }
        return record
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
