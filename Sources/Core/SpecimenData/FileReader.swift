internal import Catalogue
internal import Fetch
public import Support
internal import Transport

/// Reads files of the origin by extents of one mebibyte, through the block cache.
public final class FileReader: Sendable {
    /// Bytes of an extent. One request a mebibyte keeps a slow server's latency below its transfer time.
    public static let extentSize = 1 << 20

    private let origin: Origin
    private let registry: ObjectRegistry
    private let recent: MemoryCache<Extent, [UInt8]>

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
        public var modified: Double? { record.lastModified.flatMap(HTTPDate.seconds) }

        /// Bytes of an extent. A picture made on request is one extent: ranges inside it are nothing to rely on.
        public var extentSize: Int { file.isImage ? max(length, 1) : FileReader.extentSize }
    }

    /// The present version of `file`.
    public func version(
        of file: RemoteFile, token: CancellationToken,
        completion: @escaping @Sendable (Result<Version, SpecimenDataError>) -> Void
    ) {
        registry.record(of: file, token: token) { outcome in
            completion(
                outcome.flatMap { record in
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
        completion: @escaping @Sendable (Result<[UInt8], SpecimenDataError>) -> Void
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
                read(version, 0..<version.length, token: token, completion: completion)
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
            fetch(version, index, lane: .demand, token: token) { gather.arrive($0, at: position) }
        }
    }

    /// Fetches extent `index` of `version` ahead of its reader.
    public func prefetch(_ version: Version, extent index: Int) {
        guard index >= 0, index * version.extentSize < version.length else { return }
        guard recent[Extent(object: version.file.id, version: version.number, index: index)] == nil else { return }
        origin.fetcher.prefetch(plan(version, index))
    }

    private func fetch(
        _ version: Version, _ index: Int, lane: Lane, token: CancellationToken,
        completion: @escaping @Sendable (Result<[UInt8], SpecimenDataError>) -> Void
    ) {
        let key = Extent(object: version.file.id, version: version.number, index: index)
        if let bytes = recent[key] { return completion(.success(bytes)) }
        origin.fetcher.fetch(plan(version, index), lane: lane, token: token) { [self] outcome in
            switch outcome {
            case .success(let block):
                recent.insert(block.bytes, for: key, cost: block.bytes.count)
                completion(.success(block.bytes))
            case .failure(let error):
                if case .changedUpstream = error { registry.revalidate(version.file) }
                completion(.failure(SpecimenDataError(error, object: version.file.id)))
            }
        }
    }

    private func plan(_ version: Version, _ index: Int) -> BlockPlan {
        let lower = index * version.extentSize
        let range = lower..<min(version.length, lower + version.extentSize)
        var request = HTTPRequest(url: version.file.url)
        request.expects = version.file.isImage ? .jpeg : .bytes
        if version.file.isImage {
            request.maximumBody = max(version.length, 1)
            request.expectedLength = version.length
        } else {
            request.range = range
            request.maximumBody = range.count
            request.ifRange = version.record.validator.isEmpty ? nil : version.record.validator
        }
        request.deadline = .now.advanced(bySeconds: origin.timeout)
        return BlockPlan(
            id: version.file.id, validator: version.record.validator, length: version.length, index: index,
            request: request,
            verify: { bytes in
                bytes.count == range.count ? nil : "\(bytes.count) bytes in place of \(range.count)"
            })
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
