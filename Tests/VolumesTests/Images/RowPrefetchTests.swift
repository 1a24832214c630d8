import Specimens
import Support
import TestTools
import Testing

@testable import Volumes

/// Tile rows ahead of a reader, of planes of 2 x 2 tiles.
@Suite struct RowPrefetchTests {
    private let source = ScriptedSource()
    private let left = Monitor<[Int]>([])

    private func offer(
        _ bench: RegistryBench, row: Int, from column: Int = 0, _ token: CancellationToken = CancellationToken()
    ) {
        bench.planes.prefetch(bench.version(1), tileRow: row, from: column, token: token) { [left] rest in
            left.update { $0.append(rest) }
        }
    }

    private func indices(_ count: Int) throws -> [Int] {
        try (0..<count).map { try source.call($0).request.part.index }.sorted()
    }

    /// Two threads may offer two rows in either order, and there may be no further read to offer the second again.
    @Test func rowsOfAPlaneOfUnknownVersionAreAllFetchedAndStored() throws {
        let bench = try RegistryBench(capacity: 4, side: 300, source: source)
        defer { bench.close() }
        offer(bench, row: 1)
        offer(bench, row: 0)
        #expect(try indices(4) == [0, 1, 2, 3])
        for index in 0..<4 { try source.call(index).reply([UInt8(index)], version: "a") }
        #expect(eventually { bench.fetcher.statistics.prefetched == 4 })
        #expect(bench.registry.cached(RegistryBench.id(1))?.validator == "a")
        #expect(left.withLock { $0 } == [])
        // All is there: nothing is asked for again.
        offer(bench, row: 0)
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        #expect(source.count == 4)
    }

    @Test func whenTheWindowOfARowEndsTheOthersGoOn() throws {
        let bench = try RegistryBench(capacity: 4, side: 300, source: source)
        defer { bench.close() }
        let window = CancellationToken()
        offer(bench, row: 1, window)
        offer(bench, row: 0)
        _ = try source.call(3)
        window.cancel()
        let calls = try (0..<4).map { try source.call($0) }
        #expect(eventually { calls.count { $0.cancelled.value > 0 } == 2 })
        #expect(calls.filter { $0.cancelled.value > 0 }.map(\.request.part.index).sorted() == [2, 3])
        #expect(left.withLock { $0 } == [])
    }

    @Test func aRowMayBeOfferedAgainFromTheTileForWhichThereIsNoRoom() throws {
        let bench = try RegistryBench(capacity: 4, side: 300, source: source)
        defer { bench.close() }
        source.outage.withLock { $0 = .switchedOff }
        offer(bench, row: 1, from: 1)
        offer(bench, row: 0)
        #expect(left.withLock { $0 } == [1, 0])
        source.outage.withLock { $0 = nil }
        offer(bench, row: 0)
        #expect(try indices(2) == [0, 1])
    }
}
