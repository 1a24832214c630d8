public import Catalogue
internal import Fetch
internal import Logging
public import Support
internal import Transport

/// A file of the origin: a skeleton, a marker file, a recording, a projection.
public struct RemoteFile: Hashable, Sendable {
    /// Name of the object in the cache; begins with the specimen id.
    public let id: String
    /// Where it is.
    public let url: String
    /// Whether its bytes are a JPEG that the origin makes on request.
    public let isImage: Bool

    /// A file at `url`.
    public init(id: String, url: String, isImage: Bool = false) {
        self.id = id
        self.url = url
        self.isImage = isImage
    }
}

/// What is known of the origin's objects: length, validator, when they changed. Asked once by HEAD, kept in the
/// catalogue, so that sizes are true before a byte is read and a second mount asks nothing.
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
                ask(file, method: .head, token: token, completion: finish)
            }
            if !queued { finish(.failure(.shutDown)) }
        }
    }

    /// Asks the origin again whether `file` is still what it was; observers are told if not. A failure is only logged:
    /// what is known stays good.
    public func revalidate(_ file: RemoteFile) {
        let logger = origin.logger
        ask(file, method: .head, token: CancellationToken()) { [self] outcome in
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

    private func ask(
        _ file: RemoteFile, method: HTTPRequest.Method, token: CancellationToken,
        completion: @escaping @Sendable (Result<ObjectRecord, SpecimenDataError>) -> Void
    ) {
        var request = HTTPRequest(
            url: file.url, expects: file.isImage ? .jpeg : .bytes, maximumBody: Self.largestUnsizedFile)
        request.method = method
        request.requestID = token.requestID
        origin.ask(request, token: token) { [self] outcome in
            switch outcome {
            case .failure(let error): completion(.failure(error))
            case .success(let response):
                let head = response.head
                guard let length = method == .head ? head.contentLength : response.body.count else {
                    // The size has to be true before the first read, so the file is fetched once to count it.
                    return ask(file, method: .get, token: token, completion: completion)
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
