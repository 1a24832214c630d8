public import Catalogue
public import Fetch
public import Logging
public import Support
public import Transport

/// Where the data comes from and the machinery that fetches it: everything the services of this layer share.
public struct Origin: Sendable {
    /// Base of the API, for example `https://api.brain-map.org`, without a slash at the end.
    public let endpoint: String
    /// The HTTP client, for metadata.
    public let transport: Transport
    /// Blocks by identity, from the cache or the network.
    public let fetcher: BlockFetcher
    /// The catalogue on disk.
    public let store: CatalogueStore
    /// Threads that decode, rasterise and touch the disk.
    public let workers: WorkerPool
    /// Seconds after which an unanswered query is given up, with all its pages.
    public let timeout: Double
    /// Where problems are told.
    public let logger: Logger

    /// Collects the parts.
    public init(
        endpoint: String, transport: Transport, fetcher: BlockFetcher, store: CatalogueStore, workers: WorkerPool,
        timeout: Double, logger: Logger
    ) {
        self.endpoint = endpoint
        self.transport = transport
        self.fetcher = fetcher
        self.store = store
        self.workers = workers
        self.timeout = timeout
        self.logger = logger
    }

    /// All rows of an RMA query, over as many pages as the origin makes of it.
    ///
    /// - Parameters:
    ///   - page: the URL of the rows from a given start row.
    ///   - limit: what all pages together may bring; they have ``timeout`` together, too.
    ///   - completion: called once; on the transport thread or a worker.
    func rows(
        _ page: @escaping @Sendable (_ startRow: Int) -> String, within limit: QueryLimit, token: CancellationToken,
        completion: @escaping @Sendable (Result<RMARows, SpecimenDataError>) -> Void
    ) {
        let query = Query(page: page, limit: limit, deadline: .now.advanced(bySeconds: timeout))
        fetchPage(query, sofar: RMARows(rows: [], total: 0), bytes: 0, token: token, completion: completion)
    }

    private struct Query: Sendable {
        let page: @Sendable (Int) -> String
        let limit: QueryLimit
        let deadline: Instant
    }

    private func fetchPage(
        _ query: Query, sofar: RMARows, bytes: Int, token: CancellationToken,
        completion: @escaping @Sendable (Result<RMARows, SpecimenDataError>) -> Void
    ) {
        let limit = query.limit
        var request = HTTPRequest(
            url: query.page(sofar.rows.count), expects: .json, maximumBody: limit.bytes - bytes)
        request.requestID = token.requestID
        ask(request, by: query.deadline, token: token) { outcome in
            switch outcome {
            case .failure(let error): completion(.failure(error))
            case .success(let response):
                let reply: RMAReply
                do throws(CatalogueError) {
                    reply = try RMAReply.parse(response.body)
                } catch {
                    return completion(.failure(.catalogue(error)))
                }
                // A cache on the way may take all pages for one.
                guard reply.startRow == sofar.rows.count else {
                    let reason = "rows from \(reply.startRow) of \(reply.totalRows), asked for from \(sofar.rows.count)"
                    return completion(.failure(.catalogue(.malformedReply(reason))))
                }
                let rows = RMARows(rows: sofar.rows + reply.rows, total: reply.totalRows)
                let bytes = bytes + response.body.count
                let isComplete = rows.rows.count >= rows.total
                guard max(rows.total, rows.rows.count) <= limit.rows, isComplete || bytes < limit.bytes else {
                    let reason =
                        "\(rows.total) rows, of which \(rows.rows.count) have \(bytes) bytes, where at most "
                        + "\(limit.rows) rows of together \(limit.bytes) bytes can be"
                    return completion(.failure(.catalogue(.malformedReply(reason))))
                }
                if isComplete {
                    completion(.success(rows))
                } else if reply.rows.isEmpty {
                    completion(.failure(.catalogue(.incomplete(expected: rows.total, got: rows.rows.count))))
                } else {
                    fetchPage(query, sofar: rows, bytes: bytes, token: token, completion: completion)
                }
            }
        }
    }

    /// Makes one metadata request, unless offline or the host is known to be out of reach.
    ///
    /// - Parameters:
    ///   - deadline: when it is given up; ``timeout`` from now without one.
    ///   - completion: called once, on a worker: parsing megabytes is no work for the transport thread.
    func ask(
        _ request: HTTPRequest, by deadline: Instant? = nil, token: CancellationToken,
        completion: @escaping @Sendable (Result<HTTPResponse, SpecimenDataError>) -> Void
    ) {
        guard fetcher.refusal(of: request.url) == nil else {
            return completion(.failure(.offline(object: request.url)))
        }
        var request = request
        request.deadline = deadline ?? .now.advanced(bySeconds: timeout)
        request.isQuestion = true
        let asked = request
        let exchange = transport.start(asked) { outcome in
            let queued = workers.submit {
                fetcher.note(outcome, of: asked)
                if case .failure(let error) = outcome, token.requestID != 0 {
                    logger.warning("\(error)", metadata: ["request": "\(token.requestID)"])
                }
                completion(outcome.mapError { SpecimenDataError($0) })
            }
            if !queued { completion(.failure(.shutDown)) }
        }
        token.onCancel { exchange.cancel() }
    }
}

/// How much an RMA query may bring, over all its pages: the memory and the room on disk that an origin can take are bounded.
struct QueryLimit: Sendable {
    /// Bytes of the replies, decompressed.
    let bytes: Int
    let rows: Int

    /// The list of cells: four times the database's 2333 cells in 4 MB, and rows to spare.
    static let cells = QueryLimit(bytes: 16 << 20, rows: 100_000)
    /// The images or files of one cell: a stack of 627 planes takes 340 kB, of 10,000 5.4 MB.
    static let details = QueryLimit(bytes: 6 << 20, rows: 10_000)
}

/// The rows of a query and how many the origin says there are.
struct RMARows: Sendable {
    var rows: [JSONObject]
    var total: Int
}
