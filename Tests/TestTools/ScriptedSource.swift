import Fetch
import Support
import Transport

/// A source under the test's control: it keeps every request until the test, or a handler, answers it.
public final class ScriptedSource: BlockSource {
    /// One request.
    public final class Call: SourceExchange {
        /// What was asked for.
        public let request: HTTPRequest
        private let completion: Monitor<(@Sendable (Result<HTTPResponse, TransportError>) -> Void)?>
        /// How often it was given up.
        public let cancelled = Counter()
        /// How often it was moved to the demand lane.
        public let promoted = Counter()

        init(_ request: HTTPRequest, _ completion: @escaping @Sendable (Result<HTTPResponse, TransportError>) -> Void) {
            self.request = request
            self.completion = Monitor(completion)
        }

        /// Completes the call; false when it was completed before.
        @discardableResult
        public func complete(_ result: Result<HTTPResponse, TransportError>) -> Bool {
            let completion = self.completion.withLock { completion in
                defer { completion = nil }
                return completion
            }
            completion?(result)
            return completion != nil
        }

        /// Completes the call with a reply.
        @discardableResult
        public func reply(_ body: [UInt8], _ headers: [String: String] = ["etag": "\"1\""], status: Int = 200) -> Bool {
            complete(
                .success(
                    HTTPResponse(
                        head: ResponseHead(status: status, headers: headers, finalURL: request.url), body: body,
                        attempts: 1, seconds: 0.1)))
        }

        /// Completes the call with the error that `make` makes of its context.
        @discardableResult
        public func fail(
            _ make: (TransportError.Context) -> TransportError, attempts: Int = 1, hasReplied: Bool = false
        ) -> Bool {
            let context = TransportError.Context(
                url: request.url, host: "h", attempts: attempts, cause: "a test", hasReplied: hasReplied)
            return complete(.failure(make(context)))
        }

        /// Counts, and ends the call.
        public func cancel() {
            cancelled.add()
            fail { .cancelled($0) }
        }

        /// Counts.
        public func promote() { promoted.add() }
    }

    /// Nothing here takes as long.
    public let replyTimeout = 30.0
    private let calls = Monitor<[Call]>([])
    private let handler: (@Sendable (Call) -> Void)?

    /// - Parameter handler: sees each request as it is started; without one the test answers.
    public init(_ handler: (@Sendable (Call) -> Void)? = nil) { self.handler = handler }

    /// Keeps the request, and shows it to the handler.
    public func start(
        _ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, TransportError>) -> Void
    ) -> any SourceExchange {
        let call = Call(request, completion)
        calls.update { $0.append(call) }
        handler?(call)
        return call
    }

    /// What a test that waits in vain ends with.
    public struct Missing: Error {
        /// The number of the request that did not come.
        public let request: Int
    }

    /// Forgets the calls: their requests hold whoever takes a body, and so a fetcher that holds this source.
    public func forget() { calls.withLock { $0 = [] } }

    /// Requests so far.
    public var count: Int { calls.withLock { $0.count } }

    /// Waits for request number `index`, from 0; the limit only ends a test that hangs.
    public func call(_ index: Int) throws -> Call {
        let limit = Instant.now.advanced(bySeconds: 60)
        guard let call = calls.wait(until: limit, { $0.count > index ? $0[index] : nil }) else {
            throw Missing(request: index)
        }
        return call
    }
}
