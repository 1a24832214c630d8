import ImageCodec
import Support
import TestTools
import Testing

@testable import SpecimenData

extension ScriptedSource {
    /// The first line of pixels that each request so far asks for.
    fileprivate func tops() throws -> [String] {
        try (0..<count).map { index in
            let parts = try call(index).request.url.split { "?&".contains($0) }
            return String(parts.first { $0.hasPrefix("top=") }?.dropFirst(4) ?? "")
        }
    }
}

@Suite("Tile rows ahead of a reader")
struct RowPrefetchTests {
    private let source = ScriptedSource()
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
        let first = try source.call(0)
        #expect(try source.tops() == ["300"])
        first.reply(try tile())
        for index in 1..<4 { try source.call(index).reply(try tile()) }
        #expect(try source.tops().sorted() == ["0", "0", "300", "300"])
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
        _ = try source.call(0)
        window.cancel()
        for index in 1..<3 { try source.call(index).reply(try tile()) }
        #expect(try source.tops() == ["300", "0", "0"])
        #expect(left.withLock { $0 } == [])
    }

    @Test("when the version cannot be learnt, all that waited may be offered again")
    func failed() throws {
        let bench = try RegistryBench(capacity: 4, side: 300, source: source)
        defer { bench.close() }
        try offer(bench, row: 1, from: 1)
        try offer(bench, row: 0)
        try source.call(0).fail { .status(404, $0) }
        let limit = Instant.now.advanced(bySeconds: 60)
        #expect(left.wait(until: limit) { $0.count == 2 ? $0 : nil } == [1, 0])
        try offer(bench, row: 0)
        _ = try source.call(1)
        #expect(try source.tops() == ["300", "0"])
    }
}
