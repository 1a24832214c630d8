public import Support
public import Transport

/// A file of the source, cut into extents of 1 MiB that are fetched by ranges.
///
/// A server that has no ranges is found out by its first reply; then the file is read once, whole, as a stream that is cut
/// into the same extents, and all who wait for any extent are served from it (``WholeStream``). The version of the file is
/// learnt from the first extent, and every later one must agree with it.
public final class ExtentFile: Sendable {
    /// Bytes of an extent, but for the last of a file.
    ///
    /// 1 MiB: a request at 500 KB/s (docs/DATA.md 5) takes 2 s, and a random read of 64 KiB costs at most 16
    /// times what it needs.
    public static let extentLength = 1 << 20

    struct State {
        var validator: String?
        /// Whether the server has shown that it has no ranges.
        var isWhole = false
        var stream: WholeStream?
        /// Handles of the file, while which a pass goes on though nobody waits at the moment.
        var handles = 0
    }

    /// Names the object; see ``BlockPlan/id``.
    public let id: String
    /// The absolute URL of the file.
    public let url: String
    /// Bytes of the file.
    public let length: Int
    let expects: BodyKind
    let fetcher: BlockFetcher
    let state: Monitor<State>

    /// A file of `length` bytes at `url`.
    ///
    /// - Parameter validator: the version to insist on, for example from a HEAD request; nil takes the first that comes.
    public init(
        id: String, url: String, length: Int, validator: String?, expects: BodyKind = .bytes, fetcher: BlockFetcher
    ) {
        self.id = id
        self.url = url
        self.length = length
        self.expects = expects
        self.fetcher = fetcher
        state = Monitor(State(validator: validator))
    }

    /// Whether the file is one extent: markers and skeletons, on which sizes and labels depend. They do not wait behind
    /// images; see ``HTTPRequest/isQuestion``.
    var isSmall: Bool { length <= Self.extentLength }

    /// Extents of the file; the last may be short.
    public var extentCount: Int { (length + Self.extentLength - 1) / Self.extentLength }

    /// The version of the file, nil until the first extent has come.
    public var validator: String? { state.withLock { $0.validator } }

    /// The bytes of extent `index`, from the start of the file. Empty outside of it.
    public func byteRange(ofExtent index: Int) -> Range<Int> {
        let start = min(max(0, index) * Self.extentLength, length)
        return start..<min(start + Self.extentLength, length)
    }

    /// The extents that hold `bytes`; empty for no bytes and outside of the file.
    public func extents(covering bytes: Range<Int>) -> Range<Int> {
        let inside = bytes.clamped(to: 0..<length)
        guard !inside.isEmpty else { return 0..<0 }
        return inside.lowerBound / Self.extentLength..<(inside.upperBound - 1) / Self.extentLength + 1
    }

    /// Gets an extent for a reader; see ``BlockFetcher/fetch(_:lane:token:completion:)``.
    ///
    /// - Parameters:
    ///   - index: an extent of the file, `0..<extentCount`.
    ///   - deadline: until when a request by range may take. A whole file is bounded by the transport's own limits on
    ///     silence and slowness, and a reader by its token.
    public func fetch(
        extent index: Int, lane: Lane, token: CancellationToken, deadline: Instant? = nil,
        completion: @escaping @Sendable (Result<FetchedBlock, FetchError>) -> Void
    ) {
        let plan = plan(extent: index, deadline: deadline, requestID: token.requestID)
        if state.withLock({ $0.isWhole }) {
            fetchWhole(plan, lane, token, completion)
            return
        }
        fetcher.fetch(plan, lane: lane, token: token) { [self] result in
            switch result {
            case .success(let block):
                completion(agreeing(block))
            case .failure(.transport(.rangeIgnored(let total, _))):
                if let total, total != length {
                    completion(.failure(.invalidBlock(reason: wrongLength(total))))
                } else {
                    state.withLock { $0.isWhole = true }
                    fetchWhole(plan, lane, token, completion)
                }
            case .failure:
                completion(result)
            }
        }
    }

    /// Fetches an extent into the cache before anybody asks for it, where the server has ranges and the version is known;
    /// see ``BlockFetcher/prefetch(_:token:)``.
    ///
    /// - Parameter deadline: until when the request may take. Nobody watches over it, and whoever wants the extent waits
    ///   for it until then.
    /// - Returns: false when it is to be offered again.
    @discardableResult
    public func prefetch(
        extent index: Int, deadline: Instant, token: CancellationToken = CancellationToken()
    ) -> Bool {
        guard !state.withLock({ $0.isWhole }), !byteRange(ofExtent: index).isEmpty else { return true }
        return fetcher.prefetch(plan(extent: index, deadline: deadline, requestID: 0), token: token)
    }

    /// Whether the cache's directory holds an extent now; see ``BlockFetcher/isOnDisk(_:)``.
    public func isOnDisk(extent index: Int) -> Bool {
        fetcher.isOnDisk(plan(extent: index, deadline: nil, requestID: 0))
    }

    /// A handle of the file is opened; ``close()`` follows. While there is one, a pass over the whole file goes on though
    /// nobody waits at the moment: its reader will ask for more.
    public func open() { state.withLock { $0.handles += 1 } }

    /// Whether the file has handles.
    public var isOpen: Bool { state.withLock { $0.handles > 0 } }

    /// A handle of the file is closed. With the last one, a pass for which nobody waits is given up.
    ///
    /// - Returns: whether it was the last.
    @discardableResult
    public func close() -> Bool {
        let (stream, isLast) = state.withLock { state in
            state.handles -= 1
            return (state.stream, state.handles == 0)
        }
        if isLast { stream?.stopIfUnwanted() }
        return isLast
    }

    /// How to get extent `index` by range.
    func plan(extent index: Int, deadline: Instant?, requestID: UInt64) -> BlockPlan {
        let range = byteRange(ofExtent: index)
        let validator = state.withLock { $0.validator }
        var request = HTTPRequest(url: url, expects: expects, maximumBody: range.count)
        request.range = range
        // A weak tag is not allowed in If-Range (RFC 9110, 13.1.5); the reply's is compared all the same.
        if let validator, !validator.isEmpty, !validator.hasPrefix("W/") { request.ifRange = validator }
        request.expectedLength = range.count
        request.totalLength = length
        request.deadline = deadline
        request.requestID = requestID
        request.isQuestion = isSmall
        return BlockPlan(id: id, validator: validator, length: length, index: index, request: request) { bytes in
            bytes.count == range.count ? nil : "\(bytes.count) bytes, not \(range.count)"
        }
    }

    /// Learns the version from the first block, and refuses one of another version.
    func agreeing(_ block: FetchedBlock) -> Result<FetchedBlock, FetchError> {
        let expected = learn(block.validator)
        return expected == block.validator
            ? .success(block) : .failure(.changedUpstream(id: id, old: expected, new: block.validator))
    }

    /// The version of the file, which is `validator` if it was not known.
    func learn(_ validator: String) -> String {
        state.withLock { state in
            if let known = state.validator { return known }
            state.validator = validator
            return validator
        }
    }

    func wrongLength(_ found: Int) -> String { "the server announces \(found) bytes, the catalogue \(length)" }
}
