import AllenSource
import Support
import Transport

/// A network under the test's control: it keeps every request until the test, or a handler, answers it.
package final class ScriptedHTTP: HTTPClient {
    /// One request.
    package final class Call: HTTPExchange {
        /// What was asked for.
        package let request: HTTPRequest
        private let completion: Monitor<(@Sendable (Result<HTTPResponse, TransportError>) -> Void)?>
        /// How often it was given up.
        package let cancelled = Counter()
        /// How often it was moved to the demand lane.
        package let promoted = Counter()

        init(_ request: HTTPRequest, _ completion: @escaping @Sendable (Result<HTTPResponse, TransportError>) -> Void) {
            self.request = request
            self.completion = Monitor(completion)
        }

        /// Completes the call; false when it was completed before.
        @discardableResult
        package func complete(_ result: Result<HTTPResponse, TransportError>) -> Bool {
            let completion = self.completion.withLock { completion in
                defer { completion = nil }
                return completion
            }
            completion?(result)
            return completion != nil
        }

        /// Completes the call with a reply.
        @discardableResult
        package func reply(_ body: [UInt8], _ headers: [String: String] = ["etag": "\"1\""], status: Int = 200) -> Bool
        {
            complete(
                .success(
                    HTTPResponse(
                        head: ResponseHead(status: status, headers: headers, finalURL: request.url), body: body,
                        attempts: 1, seconds: 0.1)))
        }

        /// Completes the call with the error that `make` makes of its context.
        @discardableResult
        package func fail(
            _ make: (TransportError.Context) -> TransportError, attempts: Int = 1, hasReplied: Bool = false
        ) -> Bool {
            let context = TransportError.Context(
                url: request.url, host: "h", attempts: attempts, cause: "a test", hasReplied: hasReplied)
            return complete(.failure(make(context)))
        }

        /// Counts, and ends the call.
        package func cancel() {
            cancelled.add()
            fail { .cancelled($0) }
        }

        /// Counts.
        package func promote() { promoted.add() }
    }

    /// Nothing here takes as long.
    package let replyTimeout = 30.0
    private let calls = Monitor<[Call]>([])
    private let handler: (@Sendable (Call) -> Void)?

    /// - Parameter handler: sees each request as it is started; without one the test answers.
    package init(_ handler: (@Sendable (Call) -> Void)? = nil) { self.handler = handler }

    /// Keeps the request, and shows it to the handler.
    package func start(
        _ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, TransportError>) -> Void
    ) -> any HTTPExchange {
        let call = Call(request, completion)
        calls.update { $0.append(call) }
        handler?(call)
        return call
    }

    /// What a test that waits in vain ends with.
    package struct Missing: Error {
        /// The number of the request that did not come.
        package let request: Int
    }

    /// Forgets the calls: their requests hold the download that takes a body, and so the source that holds this network.
    package func forget() { calls.withLock { $0 = [] } }

    /// Requests so far.
    package var count: Int { calls.withLock { $0.count } }

    /// Waits for request number `index`, from 0; the limit only ends a test that hangs.
    package func call(_ index: Int) throws -> Call {
        let limit = Instant.now.advanced(bySeconds: 60)
        guard let call = calls.wait(until: limit, { $0.count > index ? $0[index] : nil }) else {
            throw Missing(request: index)
        }
        return call
    }
}
