import Specimens
import Support
import TestTools
import Testing

@testable import Fetch

/// Blocks wanted ahead of a reader whose window is cancelled.
@Suite struct PrefetchWindowTests {
    private func isStarted(_ bench: Bench, _ count: Int) -> Bool {
        eventually {
            bench.fetcher.state.withLock { state in state.flights.values.filter { $0.exchange != nil }.count == count }
        }
    }

    @Test func aCancelledWindowStopsItsRequestsAndNoOthers() throws {
        let bench = try Bench()
        defer { bench.close() }
        let window = CancellationToken()
        for index in 0..<3 { #expect(bench.fetcher.prefetch(request(index), token: window)) }
        bench.fetcher.prefetch(request(3))
        let calls = try (0..<4).map { try bench.source.call($0) }
        #expect(isStarted(bench, 4))
        let reader = bench.fetch(request(1))
        window.cancel()
        let byName = Dictionary(uniqueKeysWithValues: calls.map { (name($0.request), $0) })
        func call(_ index: Int) throws -> ScriptedSource.Call { try #require(byName[name(request(index))]) }
        #expect(try call(0).cancelled.value == 1)
        #expect(try call(2).cancelled.value == 1)
        #expect(try call(1).cancelled.value == 0)
        #expect(try call(3).cancelled.value == 0)
        #expect(bench.fetcher.statistics.abandoned == 2)
        try call(1).reply([1])
        #expect(try reader.wait()[0].bytes == [1])
        try call(3).reply([3])
        #expect(eventually { bench.stored(request(3))?.bytes == [3] && bench.fetcher.statistics.flightsNow == 0 })
        #expect(bench.fetcher.state.withLock { $0.prefetchesNow } == 0)
        // The window is over.
        #expect(!bench.fetcher.prefetch(request(4), token: window))
        #expect(bench.source.count == 4)
    }

    @Test func whatIsQueuedIsDropped() throws {
        let bench = try Bench(workers: 1)
        defer { bench.close() }
        let gate = Monitor(false)
        bench.workers.submit { gate.wait { $0 ? () : nil } }
        let window = CancellationToken()
        for index in 0..<5 { bench.fetcher.prefetch(request(index), token: window) }
        #expect(bench.fetcher.statistics.flightsNow == 5)
        window.cancel()
        #expect(bench.fetcher.statistics.flightsNow == 0)
        gate.update { $0 = true }
        #expect(eventually { bench.workers.backlog == 0 })
        #expect(bench.fetcher.statistics.abandoned == 0)
        #expect(bench.fetcher.state.withLock { $0.prefetchesNow } == 0)
        #expect(bench.source.count == 0)
    }

    @Test func aBlockOfTwoWindowsGoesOnForTheOther() throws {
        let bench = try Bench()
        defer { bench.close() }
        let windows = [CancellationToken(), CancellationToken()]
        for window in windows { #expect(bench.fetcher.prefetch(request(), token: window)) }
        let call = try bench.source.call(0)
        #expect(isStarted(bench, 1))
        windows[0].cancel()
        #expect(call.cancelled.value == 0)
        windows[1].cancel()
        #expect(call.cancelled.value == 1)
        #expect(bench.source.count == 1)
    }

    /// The reader's token is not the window's: closed handles may have a reader of another handle on their flights.
    @Test func withTheWindowGoneTheLastReaderEndsTheFlight() throws {
        let bench = try Bench()
        defer { bench.close() }
        let window = CancellationToken()
        bench.fetcher.prefetch(request(), token: window)
        let call = try bench.source.call(0)
        #expect(isStarted(bench, 1))
        let token = CancellationToken()
        let reader = bench.fetch(request(), token: token)
        window.cancel()
        #expect(call.cancelled.value == 0)
        token.cancel()
        #expect(call.cancelled.value == 1)
        #expect(try reader.wait()[0].failure == "cancelled")
        #expect(bench.fetcher.state.withLock { $0.prefetchesNow } == 0)
    }

    /// A reader is answered between the arrival and the write to the store.
    @Test func aBlockThatHasArrivedIsKept() throws {
        let bench = try Bench()
        defer { bench.close() }
        let window = CancellationToken()
        bench.fetcher.prefetch(request(), token: window)
        let call = try bench.source.call(0)
        let reader = Outcomes()
        bench.fetcher.fetch(request(), lane: .demand, token: CancellationToken()) { result in
            window.cancel()
            reader.completion(result)
        }
        call.reply([1])
        #expect(try reader.wait()[0].bytes == [1])
        #expect(eventually { bench.stored(request())?.bytes == [1] })
        #expect(bench.fetcher.statistics.abandoned == 0)
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        #expect(bench.fetcher.state.withLock { $0.prefetchesNow } == 0)
    }

    @Test func manyBlocksOfAWindowCostOneRecord() throws {
        let bench = try Bench(ScriptedSource { $0.reply([1]) })
        defer { bench.close() }
        let token = CancellationToken()
        let count = Counter()
        for index in 0..<50 {
            bench.fetcher.prefetch(request(index), token: token)
            token.onCancel(for: bench) { count.add() }
        }
        token.cancel()
        #expect(count.value == 1)
        token.onCancel(for: bench) { count.add() }
        #expect(count.value == 2)
    }
}
