import Glibc
import Specimens
import Support
import TestTools
import Testing

@testable import Fetch

/// Flights whose readers expect different versions, and requests that follow one another on one flight.
@Suite struct SharedFlightTests {
    /// Where the source gives no versions, nothing but the length tells that a file has changed.
    @Test func blocksOfFilesOfDifferentLengthsAreNotShared() throws {
        let bench = try Bench()
        defer { bench.close() }
        let outcomes = [3, 5].map { length in
            bench.fetch(
                BlockRequest(
                    object: SourceObject(id: .file(2, of: 1)), part: .extent(0, length: length), expected: ""))
        }
        let calls = [try bench.source.call(0), try bench.source.call(1)]
        for call in calls { call.reply([1], version: "") }
        for outcome in outcomes { #expect(try outcome.wait()[0].bytes == [1]) }
    }

    @Test(arguments: [true, false]) func aReplyIsComparedWithTheVersionEachReaderExpects(isCached: Bool) throws {
        let bench = try Bench(cached: isCached)
        defer { bench.close() }
        let old = bench.fetch(request(expecting: "0"))
        let call = try bench.source.call(0)
        let readers = [bench.fetch(request()), bench.fetch(request(expecting: nil))]
        call.reply([1])
        #expect(try old.wait()[0].failure == "changed 0 to 1")
        for reader in readers { #expect(try reader.wait()[0].bytes == [1]) }
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        #expect(bench.stored(request())?.bytes == (isCached ? [1] : nil))
        #expect(bench.stored(request(expecting: "0")) == nil)
        #expect(bench.source.count == 1)
    }

    @Test func aPrefetchForAnOldHandleServesAPresentReader() throws {
        let bench = try Bench()
        defer { bench.close() }
        bench.fetcher.prefetch(request(expecting: "0"))
        let call = try bench.source.call(0)
        let reader = bench.fetch(request())
        call.reply([1])
        #expect(try reader.wait()[0].bytes == [1])
        // With no reader that expects it, nothing is kept of another version.
        bench.fetcher.prefetch(request(1, expecting: "0"))
        try bench.source.call(1).reply([1])
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        #expect(bench.store?.statistics.writes == 1)
        #expect(bench.fetcher.state.withLock { $0.prefetchesNow } == 0)
    }

    /// The request named the version of one reader; its refusal says nothing to those that expect another.
    @Test(arguments: ["1", nil] as [String?]) func aRefusedVersionIsAskedForAnewByOthers(version: String?) throws {
        let bench = try Bench()
        defer { bench.close() }
        let old = bench.fetch(request(expecting: "0"))
        let call = try bench.source.call(0)
        let present = bench.fetch(request())
        call.fail(.changed(version))
        #expect(try old.wait()[0].failure == "changed 0 to \(version ?? "")")
        try bench.source.call(1).reply([1])
        #expect(try present.wait()[0].bytes == [1])
        #expect(bench.source.count == 2)
    }

    /// Between the answer and the write to the cache the block is in the table of flights.
    @Test func aBlockBeingStoredIsNotGivenToReadersOfAnotherVersion() throws {
        let bench = try Bench()
        defer { bench.close() }
        let present = Outcomes()
        let isAsked = Monitor(false)
        bench.fetcher.fetch(request(expecting: "0"), lane: .demand, token: CancellationToken()) { _ in
            bench.fetcher.fetch(request(), lane: .demand, token: CancellationToken(), completion: present.completion)
            isAsked.update { $0 = true }
        }
        try bench.source.call(0).reply([0], version: "0")
        isAsked.wait { $0 ? () : nil }
        try bench.source.call(1).reply([1])
        #expect(try present.wait()[0].bytes == [1])
        #expect(eventually { bench.stored(request())?.bytes == [1] })
        #expect(eventually { bench.stored(request(expecting: "0"))?.bytes == [0] })
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
        source.check { bytes, _ in bytes == [1] ? nil : "not one" }
        let reader = bench.fetch(request(), token: token)
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
        bench.source.check { bytes, _ in
            if bytes == [9] {
                isChecking.update { $0 = true }
                gate.wait { $0 ? () : nil }
            }
            return bytes == [1] ? nil : "not one"
        }
        let leaver = bench.fetch(request(), token: token)
        try bench.source.call(0).reply([9])
        isChecking.wait { $0 ? () : nil }
        token.cancel()
        #expect(try leaver.wait()[0].failure == "cancelled")
        let next = bench.fetch(request())
        let call = try bench.source.call(1)
        gate.update { $0 = true }
        bench.waitForWorkers()
        call.reply([8])
        try bench.source.call(2).reply([1])
        #expect(try next.wait()[0].bytes == [1])
    }
}
