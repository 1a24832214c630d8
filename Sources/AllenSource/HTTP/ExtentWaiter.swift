internal import Specimens
internal import Support

/// A request for one extent: first for its range, then, where the server has no ranges, for its place in a whole file.
final class ExtentWaiter: BlockExchange {
    typealias Completion = @Sendable (Result<SourceBlock, SourceError>) -> Void

    private struct State {
        var completion: Completion?
        var isCancelled = false
        var isDemand: Bool
        /// The request for the range.
        var exchange: (any HTTPExchange)?
        /// The download of the whole file that this waits for.
        var download: SequentialDownload?
    }

    /// What is asked for.
    let request: BlockRequest
    /// The extent's number.
    let index: Int
    /// The URL of the file, for the log.
    let url: String
    private let state: Monitor<State>

    init(_ request: BlockRequest, url: String, completion: @escaping Completion) {
        self.request = request
        index = request.part.index
        self.url = url
        state = Monitor(State(completion: completion, isDemand: request.lane == .demand))
    }

    /// Whether a reader waits.
    var isDemand: Bool { state.withLock { $0.isDemand } }

    /// Whether the answer has been given.
    var isFinished: Bool { state.withLock { $0.completion == nil } }

    /// Notes the request for the range, and makes up for what happened while it was being started.
    func follow(_ exchange: any HTTPExchange) {
        let (isCancelled, isPromoted) = state.withLock { state -> (Bool, Bool) in
            state.exchange = exchange
            return (state.isCancelled, state.isDemand && request.lane != .demand)
        }
        if isCancelled { exchange.cancel() } else if isPromoted { exchange.promote() }
    }

    /// Notes the download that this waits for.
    ///
    /// - Returns: false when the waiter has been cancelled.
    func follow(_ download: SequentialDownload) -> Bool {
        state.withLock { state in
            state.download = download
            return !state.isCancelled
        }
    }

    /// Answers, unless that has happened.
    func finish(_ result: Result<SourceBlock, SourceError>) {
        let completion = state.withLock { state in
            defer { (state.completion, state.download) = (nil, nil) }
            return state.completion
        }
        completion?(result)
    }

    func cancel() {
        let (exchange, download) = state.withLock { state in
            state.isCancelled = true
            return (state.exchange, state.download)
        }
        download?.leave(self)
        exchange?.cancel()
        finish(.failure(.cancelled))
    }

    func promote() {
        let (exchange, download) = state.withLock { state in
            state.isDemand = true
            return (state.exchange, state.download)
        }
        if let download { download.promote() } else { exchange?.promote() }
    }
}
