import Specimens
import Support
import TestTools
import Testing

@testable import Fetch

@Suite struct PrefetchTests {
    @Test func aPrefetchedBlockIsThereForItsReader() throws {
        let bench = try Bench()
        defer { bench.close() }
        bench.fetcher.prefetch(request(0))
        let call = try bench.source.call(0)
        #expect(call.request.lane == .prefetch)
        call.reply([1])
        #expect(eventually { bench.fetcher.statistics.prefetched == 1 })
        #expect(bench.fetcher.statistics.prefetchedUsed == 0)
        // Again: it is there, and no request is made.
        bench.fetcher.prefetch(request(0))
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        #expect(try bench.fetch(request(0)).wait()[0].block?.isFromStore == true)
        #expect(bench.fetcher.statistics.prefetchedUsed == 1)
        #expect(bench.source.count == 1)
    }

    @Test func aBackgroundReaderIsAnsweredWhenTheDiskHasItsBlock() throws {
        let bench = try Bench()
        defer { bench.close() }
        for index in 0..<50 {
            let wasOnDisk = Monitor<Bool?>(nil)
            bench.fetcher.fetch(request(index), lane: .prefetch, token: CancellationToken()) { _ in
                wasOnDisk.update { $0 = bench.fetcher.isKept(request(index)) }
            }
            #expect(!bench.fetcher.isKept(request(index)))
            try bench.source.call(index).reply([1])
            #expect(wasOnDisk.wait(until: .now.advanced(bySeconds: 60)) { $0 } == true)
        }
        #expect(!bench.fetcher.isKept(request(0, expecting: nil)), "a block without a version has no name")
    }

    /// Seen as a block that a kill had left on disk and the next mount fetched again: its version had not been written down.
    @Test(arguments: [Lane.demand, .prefetch])
    func theVersionOfABlockIsLearntBeforeItIsStoredOrGiven(lane: Lane) throws {
        let bench = try Bench()
        defer { bench.close() }
        let outcomes = Outcomes()
        let learnt = Monitor<[String]>([])
        bench.source.check { bytes, _ in bytes == [1] ? nil : "other bytes" }
        bench.records.onKeep { record in
            #expect(outcomes.count == 0 && !bench.fetcher.isKept(request(0, expecting: record.validator)))
            learnt.update { $0.append(record.validator) }
        }
        let unknown = request(0, expecting: nil)
        bench.fetcher.fetch(unknown, lane: lane, token: CancellationToken(), completion: outcomes.completion)
        try bench.source.call(0).reply([2], version: "of a wrong reply")
        try bench.source.call(1).reply([1], version: "7")
        #expect(try outcomes.wait()[0].bytes == [1])
        #expect(learnt.withLock { $0 } == ["7"])
        let known = request(1, expecting: "7")
        bench.fetcher.prefetch(known)
        try bench.source.call(2).reply([1], version: "7")
        #expect(eventually { bench.fetcher.isKept(known) })
        #expect(learnt.withLock { $0 }.count == 1, "nothing is learnt of a version that was known")
    }

    @Test func aReaderThatJoinsPromotesAndMayLeaveAgain() throws {
        let bench = try Bench()
        defer { bench.close() }
        bench.fetcher.prefetch(request(0))
        let call = try bench.source.call(0)
        #expect(eventually { bench.fetcher.state.withLock { $0.flights.values.allSatisfy { $0.exchange != nil } } })
        let token = CancellationToken()
        let reader = bench.fetch(request(0), token: token)
        #expect(eventually { call.promoted.value == 1 })
        let second = bench.fetch(request(0))
        token.cancel()
        #expect(reader.count == 1)
        #expect(call.promoted.value == 1)
        call.reply([1])
        #expect(try second.wait()[0].bytes == [1])
        #expect(eventually { bench.fetcher.statistics.prefetchedUsed == 1 })
        // Left by its only reader, a prefetch goes on.
        bench.fetcher.prefetch(request(1))
        let other = try bench.source.call(1)
        let leaving = CancellationToken()
        _ = bench.fetch(request(1), token: leaving)
        leaving.cancel()
        #expect(other.cancelled.value == 0)
        other.reply([2])
        #expect(eventually { bench.stored(request(1))?.bytes == [2] })
        #expect(bench.source.count == 2)
    }

    /// The reply of a prefetch is checked among the prefetches; with a reader it may not wait there, behind all demand.
    @Test(arguments: [true, false]) func aReplyIsCheckedAsUrgentlyAsItsReaderWaits(joinsBeforeTheReply: Bool) throws {
        let bench = try Bench(workers: 1)
        defer { bench.close() }
        bench.fetcher.prefetch(request(0))
        let call = try bench.source.call(0)
        #expect(eventually { bench.fetcher.state.withLock { $0.flights.values.allSatisfy { $0.exchange != nil } } })
        let busy = Monitor(true)
        let (started, turns) = (Monitor(false), Counter())
        // Demand that never ends, while the test lasts: each job queues the next before it is done.
        let work = Monitor<(@Sendable () -> Void)?>(nil)
        work.withLock {
            $0 = {
                started.update { $0 = true }
                turns.add()
                if busy.withLock({ $0 }), turns.value < 1_000_000, let next = work.withLock({ $0 }) {
                    bench.workers.submit(.demand, next)
                }
            }
        }
        defer {
            busy.withLock { $0 = false }
            work.withLock { $0 = nil }
        }
        for _ in 0..<2 { if let first = work.withLock({ $0 }) { bench.workers.submit(.demand, first) } }
        started.wait { $0 ? () : nil }
        if !joinsBeforeTheReply { call.reply([1]) }
        let reader = bench.fetch(request(0))
        if joinsBeforeTheReply { call.reply([1]) }
        #expect(try reader.wait()[0].bytes == [1])
        #expect(turns.value < 1_000_000)
        #expect(bench.source.count == 1)
    }

    @Test func tooManyAreDroppedAndReadersAreNot() throws {
        let bench = try Bench(prefetchLimit: 3)
        defer { bench.close() }
        for index in 0..<10 { bench.fetcher.prefetch(request(index)) }
        #expect(bench.fetcher.statistics.prefetchDropped == 7)
        _ = try bench.source.call(2)
        let reader = bench.fetch(request(9))
        let call = try bench.source.call(3)
        call.reply([9])
        #expect(try reader.wait()[0].bytes == [9])
        // As they come in there is room again.
        for index in 0..<3 { try bench.source.call(index).reply([0]) }
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        bench.fetcher.prefetch(request(4))
        _ = try bench.source.call(4)
        #expect(bench.fetcher.statistics.prefetchDropped == 7)
    }

    @Test func whatCannotBeKeptIsNotFetched() throws {
        let uncached = try Bench(cached: false)
        defer { uncached.close() }
        uncached.fetcher.prefetch(request(0))
        let bench = try Bench()
        defer { bench.close() }
        bench.source.outage.withLock { $0 = .switchedOff }
        bench.fetcher.prefetch(request(0))
        #expect(uncached.fetcher.statistics.prefetchDropped == 1)
        #expect(bench.fetcher.statistics.prefetchDropped == 1)
        #expect(bench.fetcher.statistics.flights == 0)
    }

    @Test func theLedgerCountsUseAndWaste() {
        var ledger = PrefetchLedger()
        let keys = (0..<6000).map { FlightKey(request($0)) }
        for key in keys { ledger.noteFetched(key, isUsed: false) }
        #expect(ledger.fetched == 6000 && ledger.wasted == 6000 - 4096 && ledger.used == 0)
        for key in keys.reversed().prefix(1000) {
            ledger.noteWanted(key)
            ledger.noteWanted(key)
        }
        ledger.noteWanted(keys[0])
        #expect(ledger.used == 1000)
        ledger.noteFetched(keys[0], isUsed: true)
        #expect(ledger.used == 1001)
        for index in 6000..<(6000 + 20_000) { ledger.noteFetched(FlightKey(request(index)), isUsed: false) }
        #expect(ledger.fetched == 26_001)
        #expect(ledger.wasted == 26_001 - 1001 - 4096)
    }
}
