import Fetch
import ImageCodec
import Support
import Testing

@testable import SpecimenData
@testable import Transport

/// Keeps every request for a tile until the test answers it.
private final class HeldSource: BlockSource {
    final class Call: SourceExchange {
        let request: HTTPRequest
        private let completion: Monitor<(@Sendable (Result<HTTPResponse, TransportError>) -> Void)?>

        init(_ request: HTTPRequest, _ completion: @escaping @Sendable (Result<HTTPResponse, TransportError>) -> Void) {
            self.request = request
            self.completion = Monitor(completion)
        }

        func complete(_ result: Result<HTTPResponse, TransportError>) {
            let completion = self.completion.withLock { completion in
                defer { completion = nil }
                return completion
            }
            completion?(result)
        }

        func answer(_ body: [UInt8]) {
            let head = ResponseHead(status: 200, headers: ["etag": "\"a\""], finalURL: request.url)
            complete(.success(HTTPResponse(head: head, body: body, attempts: 1, seconds: 0.1)))
        }

        func fail() {
            complete(.failure(.status(404, .init(url: request.url, host: "h", attempts: 1, cause: "a test"))))
        }

        func cancel() {
            complete(.failure(.cancelled(.init(url: request.url, host: "h", attempts: 1, cause: "a test"))))
        }

        func promote() {}
    }

    let replyTimeout = 30.0
    private let calls = Monitor<[Call]>([])

    func start(
        _ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, TransportError>) -> Void
    ) -> any SourceExchange {
        let call = Call(request, completion)
        calls.update { $0.append(call) }
        return call
    }

    /// The first `count` requests; the limit only ends a test that hangs.
    func wait(_ count: Int) throws -> [Call] {
        let limit = Instant.now.advanced(bySeconds: 60)
        let calls = calls.wait(until: limit) { $0.count >= count ? Array($0.prefix(count)) : nil }
        return try #require(calls, "fewer than \(count) requests")
    }

    var tops: [String] { calls.withLock { $0.map { Self.top(of: $0) } } }

    /// The first line of pixels that a request asks for.
    static func top(of call: Call) -> String {
        let parts = call.request.url.split { "?&".contains($0) }
        return String(parts.first { $0.hasPrefix("top=") }?.dropFirst(4) ?? "")
    }
}

@Suite("Tile rows ahead of a reader")
struct RowPrefetchTests {
    private let source = HeldSource()
    private let left = Monitor<[Int]>([])

    private func offer(
        _ bench: RegistryBench, row: Int, from column: Int = 0, _ token: CancellationToken = CancellationToken()
    ) throws {
        bench.planes.prefetch(try bench.version(1), tileRow: row, from: column, token: token) { [left] rest in
            left.update { $0.append(rest) }
        }
    }

    private func tile() throws -> [UInt8] {
        try JPEG.encodeGray([UInt8](repeating: 7, count: 300 * 300), width: 300, height: 300, quality: 90)
    }

    /// Two threads may offer two rows in either order, and there may be no further read to offer the second again.
    @Test("rows of a plane of unknown version wait for the one that asks, and none is offered in vain")
    func anyOrder() throws {
        let bench = try RegistryBench(capacity: 4, side: 300, source: source)
        defer { bench.close() }
        try offer(bench, row: 1)
        try offer(bench, row: 0)
        let first = try source.wait(1)[0]
        #expect(HeldSource.top(of: first) == "300")
        first.answer(try tile())
        for call in try source.wait(4) { call.answer(try tile()) }
        #expect(source.tops.sorted() == ["0", "0", "300", "300"])
        #expect(left.withLock { $0 } == [])
    }

    @Test("when the window of the one that asks ends, the next asks")
    func cancelled() throws {
        let bench = try RegistryBench(capacity: 4, side: 300, source: source)
        defer { bench.close() }
        let window = CancellationToken()
        try offer(bench, row: 1, window)
        try offer(bench, row: 1, from: 1, window)
        try offer(bench, row: 0)
        _ = try source.wait(1)
        window.cancel()
        try source.wait(2)[1].answer(try tile())
        for call in try source.wait(3) { call.answer(try tile()) }
        #expect(source.tops == ["300", "0", "0"])
        #expect(left.withLock { $0 } == [])
    }

    @Test("when the version cannot be learnt, all that waited may be offered again")
    func failed() throws {
        let bench = try RegistryBench(capacity: 4, side: 300, source: source)
        defer { bench.close() }
        try offer(bench, row: 1, from: 1)
        try offer(bench, row: 0)
        try source.wait(1)[0].fail()
        let limit = Instant.now.advanced(bySeconds: 60)
        #expect(left.wait(until: limit) { $0.count == 2 ? $0 : nil } == [1, 0])
        try offer(bench, row: 0)
        #expect(HeldSource.top(of: try source.wait(2)[1]) == "0")
    }
}
