internal import Logging
internal import Specimens
internal import Support
internal import Transport

/// Asks the API for rows, over as many pages as it makes of them.
struct RowQueries: Sendable {
    let network: Network
    let workers: WorkerPool
    /// Seconds after which an unanswered query is given up, with all its pages.
    let timeout: Double
    let logger: Logger

    /// A query under way, and what has come of it.
    fileprivate struct Query: Sendable {
        let page: @Sendable (_ startRow: Int) -> String
        let limit: QueryLimit
        let deadline: Instant
        var rows = RMARows(rows: [], total: 0)
        /// Bytes of the replies so far.
        var bytes = 0
    }

    /// All rows of a query.
    ///
    /// - Parameters:
    ///   - page: the URL of the rows from a given start row.
    ///   - limit: how much all pages together may bring; they also share ``timeout``.
    /// - Returns: the rows, on a worker.
    func rows(
        _ page: @escaping @Sendable (_ startRow: Int) -> String, within limit: QueryLimit, token: CancellationToken
    ) -> Promise<RMARows, SourceError> {
        nextPage(Query(page: page, limit: limit, deadline: .now.advanced(bySeconds: timeout)), token: token)
    }

    private func nextPage(_ query: Query, token: CancellationToken) -> Promise<RMARows, SourceError> {
        let request = HTTPRequest(
            url: query.page(query.rows.rows.count), expects: .json, maximumBody: query.limit.bytes - query.bytes)
        return network.ask(
            request, by: query.deadline, timeout: timeout, token: token, on: workers, logger: logger
        ).flatMap { response in
            var query = query
            do throws(CatalogueError) {
                guard try query.take(response.body) else { return nextPage(query, token: token) }
                return Promise(.success(query.rows))
            } catch {
                return Promise(.failure(SourceError(error)))
            }
        }
    }
}

extension RowQueries.Query {
    /// Adds the rows of a reply. Returns whether they are all.
    fileprivate mutating func take(_ body: [UInt8]) throws(CatalogueError) -> Bool {
        let reply = try RMAReply.parse(body)
        // A cache on the way may take all pages for one.
        guard reply.startRow == rows.rows.count else {
            throw .malformedReply(
                "rows from \(reply.startRow) of \(reply.totalRows), asked for from \(rows.rows.count)")
        }
        rows = RMARows(rows: rows.rows + reply.rows, total: reply.totalRows)
        bytes += body.count
        let isComplete = rows.rows.count >= rows.total
        guard max(rows.total, rows.rows.count) <= limit.rows, isComplete || bytes < limit.bytes else {
            throw .malformedReply(
                "\(rows.total) rows, of which \(rows.rows.count) have \(bytes) bytes, where at most "
                    + "\(limit.rows) rows of together \(limit.bytes) bytes can be")
        }
        guard isComplete || !reply.rows.isEmpty else {
            throw .incomplete(expected: rows.total, got: rows.rows.count)
        }
        return isComplete
    }
}

/// How much a query may bring, over all its pages: a server can take bounded memory and bounded room on disk.
struct QueryLimit: Sendable {
    /// Bytes of the replies, decompressed.
    let bytes: Int
    let rows: Int

    /// The list of cells: four times the database's 2333 cells in 4 MB (docs/DATA.md 2), and rows to spare.
    static let cells = QueryLimit(bytes: 16 << 20, rows: 100_000)
    /// The images or files of one cell: a stack of 627 planes takes 340 kB, of 10,000 5.4 MB.
    static let details = QueryLimit(bytes: 6 << 20, rows: 10_000)
}

/// The rows of a query and how many the API says there are.
struct RMARows: Sendable {
    var rows: [JSONObject]
    var total: Int
}
