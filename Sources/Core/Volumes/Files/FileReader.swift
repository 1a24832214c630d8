package import Fetch
package import Specimens
package import Support

/// Reads files of a source by extents of one mebibyte, and pictures whole, through the store.
package final class FileReader: Sendable {
    private let fetcher: BlockFetcher
    private let registry: ObjectRegistry
    /// Seconds after which a request is given up.
    private let timeout: Double
    private let recent: MemoryCache<Extent, [UInt8]>

    private struct Extent: Hashable, Sendable {
        var version: ObjectVersion
        var index: Int
    }

    /// A reader that keeps up to `memory` bytes of extents.
    package init(fetcher: BlockFetcher, memory: Int, timeout: Double) {
        self.fetcher = fetcher
        registry = fetcher.registry
        self.timeout = timeout
        recent = MemoryCache(limit: memory)
    }

    /// One version of a file, as an open handle sees it.
    package struct Version: Sendable {
        let file: SourceObject
        let record: ObjectRecord

        /// Length in bytes.
        package let length: Int

        /// The file and the number of its version, which grows when the upstream file changes.
        package var object: ObjectVersion { record.version }

        /// When the source says the file was last modified, seconds since 1970.
        package var modified: Double? { record.modified }

        /// Whether the source makes it on request. Such a picture is one block: ranges inside it may be of different bytes.
        var isPicture: Bool { file.frame != nil }

        /// Bytes of an extent.
        package var extentSize: Int { isPicture ? max(length, 1) : ObjectExtents.size }

        /// Extents of the file.
        package var extentCount: Int { (length + extentSize - 1) / extentSize }
    }

    /// The present version of `file` where it is in memory; nil elsewhere, also when its length is unknown.
    package func cachedVersion(of file: SourceObject) -> Version? {
        guard let record = registry.cached(file.id), let length = record.length else { return nil }
        return Version(file: file, record: record, length: length)
    }

    /// The present version of `file`.
    package func version(of file: SourceObject, token: CancellationToken) -> Promise<Version, VolumeError> {
        registry.record(of: file, token: token).mapError { VolumeError($0, object: file.id) }.flatMap {
            [registry] record in
            registry.revalidateIfStale(file, record)
            guard let length = record.length else {
                return Promise(.failure(.unusable(object: file.id, reason: "its length is unknown")))
            }
            return Promise(.success(Version(file: file, record: record, length: length)))
        }
    }

    /// Where people find `file`.
    package func address(of file: SourceObject) -> String { fetcher.source.address(of: file) }

    /// What `attempt` makes of the present version of files. When it finds that one has changed, it is tried once more with
    /// the version that the source has now: what a program opens for the first time is no older handle.
    package func present<Value: Sendable>(
        token: CancellationToken, _ attempt: @escaping @Sendable () -> Promise<Value, VolumeError>
    ) -> Promise<Value, VolumeError> {
        attempt().flatMapError { [registry] error in
            guard case .changedUpstream(let id) = error else { return Promise(.failure(error)) }
            return registry.settle(id, token: token).mapError { VolumeError($0, object: id) }.flatMap { _ in attempt() }
        }
    }

    /// The whole of `file` in its present version, for files that are small.
    package func wholeFile(
        _ file: SourceObject, limit: Int, token: CancellationToken
    ) -> Promise<Derived<[UInt8]>, VolumeError> {
        present(token: token) { [self] in
            version(of: file, token: token).flatMap { [self] version in
                guard version.length <= limit else {
                    let reason = "\(version.length) bytes are more than the \(limit) that are possible"
                    return Promise(.failure(.unusable(object: file.id, reason: reason)))
                }
                return read(version, 0..<version.length, token: token)
                    .map { Derived(value: $0, versions: [version.object]) }
            }
        }
    }

    /// The bytes `range` of `version`, which must lie within it. Resolved at once when all are in memory.
    package func read(
        _ version: Version, _ range: Range<Int>, token: CancellationToken
    ) -> Promise<[UInt8], VolumeError> {
        guard !range.isEmpty else { return Promise(.success([])) }
        let size = version.extentSize
        let pieces = (range.lowerBound / size...(range.upperBound - 1) / size).map { index in
            let start = index * size
            let part = max(range.lowerBound, start) - start..<min(range.upperBound, start + size) - start
            return read(version, extent: index, part, token: token)
        }
        return pieces.count == 1 ? pieces[0] : Promise.all(pieces).map { Array($0.joined()) }
    }

    /// A handle of `version` is opened; ``release(_:)`` follows.
    package func retain(_ version: Version) {
        guard !version.isPicture else { return }
        fetcher.source.opened(version.file.id, length: version.length, version: version.record.validator)
    }

    /// A handle of `version` is closed. With the last one ends what the source sends of the file without a reader: a server
    /// without ranges sends the whole of it.
    package func release(_ version: Version) {
        guard !version.isPicture else { return }
        fetcher.source.closed(version.file.id, length: version.length, version: version.record.validator)
    }

    /// Fetches extent `index` of `version` ahead of its reader.
    ///
    /// - Parameter token: of the window it belongs to; when it is cancelled, requests that no reader wants end.
    /// - Returns: false when too much is under way, or the source not to be asked: it may be offered again.
    @discardableResult
    package func prefetch(_ version: Version, extent index: Int, token: CancellationToken = CancellationToken()) -> Bool
    {
        guard 0..<version.extentCount ~= index, !version.isPicture else { return true }
        guard recent[Extent(version: version.object, index: index)] == nil else { return true }
        return fetcher.prefetch(request(version, index), token: token)
    }

    /// Counts the extents of a file, and those that the store's medium does not hold now. Answers on a worker.
    ///
    /// - Parameter forgets: whether memory lets go of those that are missing, so that their next reader fetches them for
    ///   the disk.
    package func countBlocks(
        _ version: Version, forgets: Bool, token: CancellationToken,
        completion: @escaping @Sendable (Result<BlockCount, VolumeError>) -> Void
    ) {
        let forget: @Sendable (Int) -> Void = { [recent] in recent.remove(Extent(version: version.object, index: $0)) }
        // Kept while it cannot be fetched: it is all there is.
        let isFetchable = fetcher.source.outage(for: version.file.id) == nil
        fetcher.countBlocks(
            0..<version.extentCount, token: token, isKept: { [self] in fetcher.isKept(request(version, $0)) },
            forget: forgets && isFetchable ? forget : nil, completion: completion)
    }

    /// The bytes `part` of extent `index`.
    private func read(
        _ version: Version, extent index: Int, _ part: Range<Int>, token: CancellationToken
    ) -> Promise<[UInt8], VolumeError> {
        let key = Extent(version: version.object, index: index)
        if let extent = recent[key] { return Promise(.success(Array(extent[part]))) }
        let request = request(version, index, token)
        let length = min(version.extentSize, version.length - index * version.extentSize)
        if !version.isPicture, let bytes = fetcher.readNow(request, part, of: length) {
            return Promise(.success(bytes))
        }
        let (promise, resolver) = Promise<[UInt8], VolumeError>.pending()
        fetcher.fetch(request, lane: token.lane, token: token) { [self] outcome in
            switch outcome {
            case .success(let block):
                recent.insert(block.bytes, for: key, cost: block.bytes.count)
                resolver.resolve(.success(Array(block.bytes[part])))
            case .failure(let error):
                revalidate(version, after: error)
                resolver.resolve(.failure(VolumeError(error, object: version.file.id)))
            }
        }
        return promise
    }

    private func request(_ version: Version, _ index: Int, _ token: CancellationToken? = nil) -> BlockRequest {
        BlockRequest(
            object: version.file,
            part: version.isPicture ? .picture(length: version.length) : .extent(index, length: version.length),
            expected: version.record.validator, deadline: .now.advanced(bySeconds: timeout),
            requestID: token?.requestID ?? 0)
    }

    /// Finds out what is true of the file now, when a reply was at odds with what is known of it.
    private func revalidate(_ version: Version, after error: FetchError) {
        switch error {
        case .changedUpstream: registry.revalidate(version.file)
        case .source(let error) where error.kind == .wrongLength:
            registry.revalidate(version.file, counts: version.isPicture)
        // A server without ranges has no better way to tell that the file has changed.
        case .invalidBlock where !version.isPicture: registry.revalidate(version.file)
        case .source, .invalidBlock, .offline, .cancelled, .shutDown: break
        }
    }
}
