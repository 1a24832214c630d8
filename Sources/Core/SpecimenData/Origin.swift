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
    /// Largest JSON reply believed, in bytes. The list of all cells is about 4 MB.
    public let maximumReply: Int
    /// Seconds after which an unanswered metadata request is given up.
    public let timeout: Double
    /// Where problems are told.
    public let logger: Logger

    /// Collects the parts.
    public init(
        endpoint: String, transport: Transport, fetcher: BlockFetcher, store: CatalogueStore, workers: WorkerPool,
        maximumReply: Int = 64 << 20, timeout: Double, logger: Logger
    ) {
        self.endpoint = endpoint
        self.transport = transport
        self.fetcher = fetcher
        self.store = store
        self.workers = workers
        self.maximumReply = maximumReply
        self.timeout = timeout
        self.logger = logger
    }

    /// All rows of an RMA query, over as many pages as the origin makes of it.
    ///
    /// - Parameters:
    ///   - page: the URL of the rows from a given start row.
    ///   - completion: called once; on the transport thread or a worker.
    func rows(
        _ page: @escaping @Sendable (_ startRow: Int) -> String, token: CancellationToken,
        completion: @escaping @Sendable (Result<RMARows, SpecimenDataError>) -> Void
    ) {
        fetchPage(page, sofar: RMARows(rows: [], total: 0), token: token, completion: completion)
    }

    private func fetchPage(
        _ page: @escaping @Sendable (Int) -> String, sofar: RMARows, token: CancellationToken,
        completion: @escaping @Sendable (Result<RMARows, SpecimenDataError>) -> Void
    ) {
        var request = HTTPRequest(url: page(sofar.rows.count), expects: .json, maximumBody: maximumReply)
        request.requestID = token.requestID
        ask(request, token: token) { outcome in
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
                guard reply.startRow == sofar.rows.count, reply.totalRows <= Self.mostRows else {
                    let reason = "rows from \(reply.startRow) of \(reply.totalRows), asked for from \(sofar.rows.count)"
                    return completion(.failure(.catalogue(.malformedReply(reason))))
                }
                let rows = RMARows(rows: sofar.rows + reply.rows, total: reply.totalRows)
                if rows.rows.count >= rows.total {
                    completion(.success(rows))
                } else if reply.rows.isEmpty {
                    completion(.failure(.catalogue(.incomplete(expected: rows.total, got: rows.rows.count))))
                } else {
                    fetchPage(page, sofar: rows, token: token, completion: completion)
                }
            }
        }
    }

    /// A query is believed to have up to this many rows: the database has 2333 cells, a stack some hundred planes.
    private static let mostRows = 1_000_000

    /// Makes one metadata request, unless offline or the host is known to be out of reach.
    ///
    /// - Parameter completion: called once, on a worker: parsing megabytes is no work for the transport thread.
    func ask(
        _ request: HTTPRequest, token: CancellationToken,
        completion: @escaping @Sendable (Result<HTTPResponse, SpecimenDataError>) -> Void
    ) {
        guard fetcher.refusal(of: request.url) == nil else {
            return completion(.failure(.offline(object: request.url)))
        }
        var request = request
        request.deadline = .now.advanced(bySeconds: timeout)
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

/// The rows of a query and how many the origin says there are.
struct RMARows: Sendable {
    var rows: [JSONObject]
    var total: Int
}
