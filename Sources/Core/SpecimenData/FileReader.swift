internal import Catalogue
internal import Fetch
public import Support
internal import Transport

/// Reads files of the origin by extents of one mebibyte, through the block cache.
public final class FileReader: Sendable {
    private let origin: Origin
    private let registry: ObjectRegistry
    private let recent: MemoryCache<Extent, [UInt8]>
    /// Files by id and version, shared by their handles: a server without ranges is read once for all of them.
    private let extentFiles = MemoryCache<Extent, ExtentFile>(limit: 1024)
    /// Those of them that have handles.
    private let opened = Monitor<[Extent: ExtentFile]>([:])

    private struct Extent: Hashable, Sendable {
        var object: String
        var version: Int
        var index: Int
    }

    /// A reader that keeps up to `memory` bytes of extents.
    public init(origin: Origin, registry: ObjectRegistry, memory: Int) {
        self.origin = origin
        self.registry = registry
        recent = MemoryCache(limit: memory)
    }

    /// One version of a file, as an open handle sees it.
    public struct Version: Sendable {
        let file: RemoteFile
        let record: ObjectRecord

        /// Length in bytes.
        public let length: Int

        /// Number of the version; grows when the upstream file changes.
        public var number: Int { record.version }

        /// When the origin says the file was last modified, seconds since 1970.
        public var modified: Double? { record.lastModified.flatMap(HTTPDate.parse).map(Double.init) }

        /// Bytes of an extent. A picture made on request is one extent: ranges inside it are nothing to rely on.
        public var extentSize: Int { file.isImage ? max(length, 1) : ExtentFile.extentLength }
    }

    /// The present version of `file` where it is in memory; nil elsewhere, also when its length is unknown.
    public func cachedVersion(of file: RemoteFile) -> Version? {
        guard let record = registry.cached(file.id), let length = record.length else { return nil }
        return Version(file: file, record: record, length: length)
    }

    /// The present version of `file`.
    public func version(
        of file: RemoteFile, token: CancellationToken,
        completion: @escaping @Sendable (Result<Version, SpecimenDataError>) -> Void
    ) {
        registry.record(of: file, token: token) { [registry] outcome in
            completion(
                outcome.flatMap { record in
                    registry.revalidateIfStale(file, record)
                    guard let length = record.length else {
                        return .failure(.unusableReply(url: file.url, reason: "its length is unknown"))
                    }
                    return .success(Version(file: file, record: record, length: length))
                })
        }
    }

    /// The whole of `file`, for files that are small.
    public func wholeFile(
        _ file: RemoteFile, limit: Int, token: CancellationToken,
        completion: @escaping @Sendable (Result<Derived<[UInt8]>, SpecimenDataError>) -> Void
    ) {
        version(of: file, token: token) { [self] outcome in
            switch outcome {
            case .failure(let error): completion(.failure(error))
            case .success(let version):
                guard version.length <= limit else {
                    return completion(
                        .failure(
                            .unusableReply(
                                url: file.url, reason: "\(version.length) bytes, more than the \(limit) believed")))
                }
                read(version, 0..<version.length, token: token) { outcome in
                    completion(outcome.map { Derived(value: $0, versions: [version.object]) })
                }
            }
        }
    }

    /// The bytes `range` of `version`, which must lie within it. Answers before it returns when all are in memory.
    public func read(
        _ version: Version, _ range: Range<Int>, token: CancellationToken,
        completion: @escaping @Sendable (Result<[UInt8], SpecimenDataError>) -> Void
    ) {
        guard !range.isEmpty else { return completion(.success([])) }
        let indices = Array(range.lowerBound / version.extentSize...(range.upperBound - 1) / version.extentSize)
        let keys = indices.map { Extent(object: version.file.id, version: version.number, index: $0) }
        if let extents = recent.all(keys) {
            return completion(.success(Self.join(extents, base: indices[0] * version.extentSize, range: range)))
        }
        let gather = Gather<[UInt8]>(count: indices.count) { outcome in
            completion(outcome.map { Self.join($0, base: indices[0] * version.extentSize, range: range) })
        }
        for (position, index) in indices.enumerated() {
            fetch(version, index, lane: token.lane, token: token) { gather.arrive($0, at: position) }
        }
    }

    /// A handle of `version` is opened; ``release(_:)`` follows.
    public func retain(_ version: Version) {
        guard !version.file.isImage else { return }
        opened.withLock { opened in
            let file = extentFile(version, among: opened)
            opened[Self.fileKey(version)] = file
            file.open()
        }
    }

    /// A handle of `version` is closed. With the last one ends what is read of the file for nobody: a server without
    /// ranges sends the whole of it.
    public func release(_ version: Version) {
        let key = Self.fileKey(version)
        guard let file = opened.withLock({ $0[key] }), file.close() else { return }
        // It may have been opened again meanwhile.
        opened.withLock { opened in if !file.isOpen { opened[key] = nil } }
    }

    /// Fetches extent `index` of `version` ahead of its reader.
    ///
    /// - Parameter token: of the window it belongs to; when it is cancelled, requests that nobody else wants end.
    /// - Returns: false when too much is under way, or the origin not to be asked: it may be offered again.
    @discardableResult
    public func prefetch(_ version: Version, extent index: Int, token: CancellationToken = CancellationToken()) -> Bool
    {
        guard index >= 0, index * version.extentSize < version.length, !version.file.isImage else { return true }
        guard recent[Extent(object: version.file.id, version: version.number, index: index)] == nil else { return true }
        return extentFile(version).prefetch(
            extent: index, deadline: .now.advanced(bySeconds: origin.timeout), token: token)
    }

    /// Counts the extents of a file, and those that the cache's directory does not hold now. Answers on a worker.
    ///
    /// - Parameter forgets: whether memory lets go of those that are missing, so that their next reader fetches them for
    ///   the disk.
    public func countBlocks(
        _ version: Version, forgets: Bool, token: CancellationToken,
        completion: @escaping @Sendable (Result<BlockCount, SpecimenDataError>) -> Void
    ) {
        let count = (version.length + version.extentSize - 1) / version.extentSize
        let forget: @Sendable (Int) -> Void = { [recent] index in
            recent.remove(Extent(object: version.file.id, version: version.number, index: index))
        }
        // Kept while it cannot be fetched: it is all there is.
        let isFetchable = origin.fetcher.refusal(of: version.file.url) == nil
        origin.countBlocks(
            0..<count, token: token, isOnDisk: { [self] in isOnDisk(version, $0) },
            forget: forgets && isFetchable ? forget : nil, completion: completion)
    }

    private func isOnDisk(_ version: Version, _ index: Int) -> Bool {
        if let size = version.file.picture {
            return origin.fetcher.isOnDisk(picturePlan(version, size, CancellationToken()))
        }
        return extentFile(version).isOnDisk(extent: index)
    }

    private func fetch(
        _ version: Version, _ index: Int, lane: Lane, token: CancellationToken,
        completion: @escaping @Sendable (Result<[UInt8], SpecimenDataError>) -> Void
    ) {
        let key = Extent(object: version.file.id, version: version.number, index: index)
        if let bytes = recent[key] { return completion(.success(bytes)) }
        let arrive: @Sendable (Result<FetchedBlock, FetchError>) -> Void = { [self] outcome in
            switch outcome {
            case .success(let block):
                recent.insert(block.bytes, for: key, cost: block.bytes.count)
                completion(.success(block.bytes))
            case .failure(let error):
                revalidate(version.file, after: error)
                completion(.failure(SpecimenDataError(error, object: version.file.id)))
            }
        }
        if let size = version.file.picture {
            origin.fetcher.fetch(picturePlan(version, size, token), lane: lane, token: token, completion: arrive)
        } else {
            extentFile(version).fetch(
                extent: index, lane: lane, token: token, deadline: .now.advanced(bySeconds: origin.timeout),
                completion: arrive)
        }
    }

    /// Finds out what is true of `file` now, when a reply was at odds with what is known of it.
    private func revalidate(_ file: RemoteFile, after error: FetchError) {
        if error.isChange {
            registry.revalidate(file)
        } else if file.isImage {
            if case .transport(.wrongLength) = error { registry.revalidate(file, counts: true) }
        } else if error.isAtOddsWithLength {
            registry.revalidate(file)
        }
    }

    private func extentFile(_ version: Version) -> ExtentFile {
        opened.withLock { extentFile(version, among: $0) }
    }

    /// The present file of a version, or a new one. Under the lock of those that have handles, so that there is only one.
    private func extentFile(_ version: Version, among opened: [Extent: ExtentFile]) -> ExtentFile {
        let key = Self.fileKey(version)
        if let file = opened[key] ?? extentFiles[key] { return file }
        let file = ExtentFile(
            id: version.file.id, url: version.file.url, length: version.length, validator: version.record.validator,
            fetcher: origin.fetcher)
        extentFiles.insert(file, for: key, cost: 1)
        return file
    }

    private static func fileKey(_ version: Version) -> Extent {
        Extent(object: version.file.id, version: version.number, index: 0)
    }

    /// How to get a picture that is made on request: whole, because ranges inside it are nothing to rely on. It is
    /// decoded before it is believed: its length is all that the origin tells of its bytes.
    private func picturePlan(_ version: Version, _ size: PictureSize, _ token: CancellationToken) -> BlockPlan {
        var request = HTTPRequest(url: version.file.url, expects: .jpeg, maximumBody: max(version.length, 1))
        request.expectedLength = version.length
        request.requestID = token.requestID
        request.deadline = .now.advanced(bySeconds: origin.timeout)
        return BlockPlan(
            id: version.file.id, validator: version.record.validator, length: version.length, index: 0,
            request: request,
            verify: size.fault)
    }

    /// The bytes `range` of a file out of its consecutive extents, the first of which begins at byte `base`.
    private static func join(_ extents: [[UInt8]], base: Int, range: Range<Int>) -> [UInt8] {
        if extents.count == 1 {
            return Array(extents[0][(range.lowerBound - base)..<(range.upperBound - base)])
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        var start = base
        for extent in extents {
            let low = max(range.lowerBound, start) - start
            let high = min(range.upperBound, start + extent.count) - start
            if low < high { bytes.append(contentsOf: extent[low..<high]) }
            start += extent.count
        }
        return bytes
    }
}
