import Glibc
import Support
import TestTools
import Testing

@testable import Fetch
@testable import Transport

/// Flights whose readers believe in different versions, and requests that follow one another on one flight.
@Suite struct SharedFlightTests {
    /// Without validators nothing but the length tells that a file has changed.
    @Test func blocksOfFilesOfDifferentLengthsAreNotShared() throws {
        let bench = try Bench()
        defer { bench.close() }
        var (short, long) = (plan(validator: ""), plan(validator: ""))
        (short.length, long.length) = (3, 5)
        let outcomes = [bench.fetch(short), bench.fetch(long)]
        let calls = [try bench.source.call(0), try bench.source.call(1)]
        for call in calls { call.reply([1], [:]) }
        for outcome in outcomes { #expect(try outcome.wait()[0].bytes == [1]) }
    }

    @Test(arguments: [true, false]) func aReplyIsComparedWithTheBeliefOfEachReader(isCached: Bool) throws {
        let bench = try Bench(cached: isCached)
        defer { bench.close() }
        let old = bench.fetch(plan(validator: "\"0\""))
        let call = try bench.source.call(0)
        let readers = [bench.fetch(plan()), bench.fetch(plan(validator: nil))]
        call.reply([1])
        #expect(try old.wait()[0].failure == "changed \"0\" to \"1\"")
        for reader in readers { #expect(try reader.wait()[0].bytes == [1]) }
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        #expect(bench.fetcher.cached(plan())?.bytes == (isCached ? [1] : nil))
        #expect(bench.fetcher.cached(plan(validator: "\"0\"")) == nil)
        #expect(bench.source.count == 1)
    }

    @Test func aPrefetchForAnOldHandleServesAPresentReader() throws {
        let bench = try Bench()
        defer { bench.close() }
        bench.fetcher.prefetch(plan(validator: "\"0\""))
        let call = try bench.source.call(0)
        let reader = bench.fetch(plan())
        call.reply([1])
        #expect(try reader.wait()[0].bytes == [1])
        // With nobody who believes in it, nothing is kept of another version.
        bench.fetcher.prefetch(plan(1, validator: "\"0\""))
        try bench.source.call(1).reply([1])
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        #expect(bench.cache?.statistics.writes == 1)
        #expect(bench.fetcher.state.withLock { $0.prefetchesNow } == 0)
    }

    /// The request named the version of one; its refusal says nothing to those who believe in another.
    @Test(arguments: ["\"1\"", nil] as [String?]) func aRefusedVersionIsAskedForAnewByOthers(etag: String?) throws {
        let bench = try Bench()
        defer { bench.close() }
        let old = bench.fetch(plan(validator: "\"0\""))
        let call = try bench.source.call(0)
        let present = bench.fetch(plan())
        call.fail { .changed(etag: etag, $0) }
        #expect(try old.wait()[0].failure == "changed \"0\" to \(etag ?? "")")
        try bench.source.call(1).reply([1])
        #expect(try present.wait()[0].bytes == [1])
        #expect(bench.source.count == 2)
    }

    /// Between the answer and the write to the cache the block is in the table of flights.
    @Test func aBlockBeingStoredIsNotGivenToWhoBelievesInAnother() throws {
        let bench = try Bench()
        defer { bench.close() }
        let present = Outcomes()
        let isAsked = Monitor(false)
        bench.fetcher.fetch(plan(validator: "\"0\""), lane: .demand, token: CancellationToken()) { _ in
            bench.fetcher.fetch(plan(), lane: .demand, token: CancellationToken(), completion: present.completion)
            isAsked.update { $0 = true }
        }
        try bench.source.call(0).reply([0], ["etag": "\"0\""])
        isAsked.wait { $0 ? () : nil }
        try bench.source.call(1).reply([1])
        #expect(try present.wait()[0].bytes == [1])
        #expect(eventually { bench.fetcher.cached(plan())?.bytes == [1] })
        #expect(eventually { bench.fetcher.cached(plan(validator: "\"0\""))?.bytes == [0] })
    }

    /// The reply to the first request comes before it is known how to cancel it, and leads to the second.
    @Test func aRepeatedRequestCanBeCancelled() throws {
        let fetcher = Monitor<BlockFetcher?>(nil)
        defer { fetcher.withLock { $0 = nil } }
        let started = Counter()
        let source = ScriptedSource { call in
            started.add()
            if started.value == 1 {
                call.reply([9])
                _ = eventually { started.value == 2 }
            } else {
                // Time for the first to be filed where it does not belong any more.
                for _ in 0..<300 {
                    let flights = fetcher.withLock { $0 }?.state.withLock { Array($0.flights.values) } ?? []
                    if flights.contains(where: { $0.exchange != nil }) { break }
                    usleep(1000)
                }
            }
        }
        let bench = try Bench(source)
        defer { bench.close() }
        fetcher.withLock { $0 = bench.fetcher }
        let token = CancellationToken()
        let reader = bench.fetch(plan(verify: { $0 == [1] ? nil : "not one" }), token: token)
        let second = try source.call(1)
        let flights = bench.fetcher.state
        #expect(eventually { flights.withLock { $0.flights.values.contains { $0.exchange != nil } } })
        token.cancel()
        #expect(eventually { second.cancelled.value == 1 })
        #expect(try reader.wait()[0].failure == "cancelled")
    }

    /// The reader leaves while its reply is being checked, and the next one begins a flight of its own.
    @Test func wrongBytesCountOnTheirOwnFlightAlone() throws {
        let bench = try Bench()
        defer { bench.close() }
        let (isChecking, gate) = (Monitor(false), Monitor(false))
        let token = CancellationToken()
        let leaver = bench.fetch(
            plan(verify: { _ in
                isChecking.update { $0 = true }
                gate.wait { $0 ? () : nil }
                return "wrong"
            }), token: token)
        try bench.source.call(0).reply([9])
        isChecking.wait { $0 ? () : nil }
        token.cancel()
        #expect(try leaver.wait()[0].failure == "cancelled")
        let next = bench.fetch(plan(verify: { $0 == [1] ? nil : "not one" }))
        let call = try bench.source.call(1)
        gate.update { $0 = true }
        bench.waitForWorkers()
        call.reply([8])
        try bench.source.call(2).reply([1])
        #expect(try next.wait()[0].bytes == [1])
    }
}
