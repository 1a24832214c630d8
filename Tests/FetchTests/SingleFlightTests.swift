import BlockStore
import Glibc
import Support
import TestTools
import Testing

@testable import Fetch
@testable import Transport

@Suite struct SingleFlightTests {
    @Test func sixtyFourReadersShareOneRequest() throws {
        let bench = try Bench()
        defer { bench.close() }
        let outcomes = Outcomes()
        let readers = try (0..<64).map { _ in
            try NamedThread("reader") {
                bench.fetcher.fetch(plan(), lane: .demand, token: CancellationToken(), completion: outcomes.completion)
            }
        }
        for reader in readers { reader.join() }
        let call = try bench.source.call(0)
        #expect(bench.fetcher.statistics.waitingReaders == 64)
        call.reply([1, 2, 3])
        #expect(try outcomes.wait(64).allSatisfy { $0.bytes == [1, 2, 3] && $0.block?.fromCache == false })
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        let statistics = bench.fetcher.statistics
        #expect(statistics.flights == 1 && statistics.joined == 63 && statistics.requests == 1)
        #expect(statistics.waitingReaders == 0)
        let again = try bench.fetch(plan()).wait()[0]
        #expect(again.block?.fromCache == true && again.bytes == [1, 2, 3])
        #expect(bench.source.count == 1)
        #expect(outcomes.count == 64)
    }

    /// Between the answer and the write to the cache there is no moment in which the block is asked for again.
    @Test func aReaderThatComesBackAtOnceCausesNoSecondRequest() throws {
        let bench = try Bench(ScriptedSource { $0.reply([7]) })
        defer { bench.close() }
        for index in 0..<200 {
            let outcomes = Outcomes()
            bench.fetcher.fetch(plan(index), lane: .demand, token: CancellationToken()) { _ in
                for _ in 0..<3 {
                    bench.fetcher.fetch(
                        plan(index), lane: .demand, token: CancellationToken(), completion: outcomes.completion)
                }
            }
            #expect(try outcomes.wait(3).allSatisfy { $0.bytes == [7] })
        }
        #expect(bench.source.count == 200)
    }

    /// Two plans are made while the version is not known; the first is carried out to its end before the second begins.
    @Test func aReaderWhoseVersionIsLearntMeanwhileCausesNoSecondRequest() throws {
        let bench = try Bench()
        defer { bench.close() }
        let known = Monitor<String?>(nil)
        var unknown = plan(validator: nil)
        unknown.learn = { version in known.update { $0 = version } }
        unknown.recall = { known.withLock { $0 } }
        let late = unknown
        let first = bench.fetch(unknown)
        try bench.source.call(0).reply([5], ["etag": "\"7\""])
        #expect(try first.wait()[0].bytes == [5])
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        let second = try bench.fetch(late).wait()[0].block
        #expect(second?.bytes == [5] && second?.fromCache == true && second?.validator == "\"7\"")
        #expect(bench.source.count == 1)
    }

    @Test func blocksAreToldApartByObjectAndIndex() throws {
        let bench = try Bench(cached: false)
        defer { bench.close() }
        let outcomes = [bench.fetch(plan(0)), bench.fetch(plan(1)), bench.fetch(plan(0, id: "1/image/3"))]
        _ = try bench.source.call(2)
        for index in 0..<3 {
            let call = try bench.source.call(index)
            call.reply(Array(call.request.url.utf8))
        }
        #expect(
            try outcomes.map { try $0.wait()[0].bytes.map { String(decoding: $0, as: UTF8.self) } } == [
                "https://example.org/1/image/2?0", "https://example.org/1/image/2?1", "https://example.org/1/image/3?0",
            ])
    }

    @Test(arguments: [
        (["etag": "W/\"a\"", "last-modified": "Sun"], "W/\"a\""), (["last-modified": "Sun"], "Sun"), ([:], ""),
    ])
    func theValidatorIsLearntAndNamesTheBlock(headers: [String: String], expected: String) throws {
        let bench = try Bench(ScriptedSource { $0.reply([5], headers) })
        defer { bench.close() }
        #expect(try bench.fetch(plan(validator: nil)).wait()[0].block?.validator == expected)
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        #expect(try bench.fetch(plan(validator: expected)).wait()[0].block?.fromCache == true)
        // Without a belief the cache cannot be asked.
        #expect(try bench.fetch(plan(validator: nil)).wait()[0].block?.fromCache == false)
        #expect(bench.source.count == 2)
        #expect(bench.fetcher.cached(plan(validator: expected))?.bytes == [5])
        #expect(bench.fetcher.cached(plan(validator: nil)) == nil)
    }

    @Test func anotherVersionIsAnErrorAndIsNotStored() throws {
        let bench = try Bench()
        defer { bench.close() }
        let first = bench.fetch(plan())
        try bench.source.call(0).reply([1], ["etag": "\"2\""])
        #expect(try first.wait()[0].failure == "changed \"1\" to \"2\"")
        let second = bench.fetch(plan())
        try bench.source.call(1).fail { .changed(etag: "\"3\"", $0) }
        #expect(try second.wait()[0].failure == "changed \"1\" to \"3\"")
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        #expect(bench.cache?.statistics.writes == 0)
        var stamped = plan()
        stamped.comparesValidator = false
        let third = bench.fetch(stamped)
        try bench.source.call(2).reply([1], ["etag": "\"9\""])
        #expect(try third.wait()[0].block?.validator == "\"1\"")
    }

    @Test func readersOfOneFlightEachCompareWithTheirOwnBelief() throws {
        let bench = try Bench(cached: false)
        defer { bench.close() }
        let any = bench.fetch(plan(validator: nil))
        let old = bench.fetch(plan(validator: "\"0\""))
        let new = bench.fetch(plan(validator: "\"1\""))
        try bench.source.call(0).reply([1])
        #expect(try any.wait()[0].bytes == [1])
        #expect(try old.wait()[0].failure == "changed \"0\" to \"1\"")
        #expect(try new.wait()[0].bytes == [1])
        #expect(bench.source.count == 1)
    }

    @Test func whoBelievesInACachedVersionIsServedThoughTheFlightFails() throws {
        let bench = try Bench()
        defer { bench.close() }
        let first = bench.fetch(plan(validator: "\"0\""))
        try bench.source.call(0).reply([6], ["etag": "\"0\""])
        #expect(try first.wait()[0].bytes == [6])
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        let unaware = bench.fetch(plan(validator: nil))
        let call = try bench.source.call(1)
        let aware = bench.fetch(plan(validator: "\"0\""))
        call.fail { .connectFailed($0) }
        #expect(try unaware.wait()[0].failure == "transport connectFailed")
        #expect(try aware.wait()[0].bytes == [6])
    }

    @Test func wrongBytesAreFetchedOnceMoreAndNeverStored() throws {
        let bench = try Bench()
        defer { bench.close() }
        let check: @Sendable ([UInt8]) -> String? = { $0 == [1] ? nil : "not one" }
        let mended = bench.fetch(plan(0, verify: check))
        try bench.source.call(0).reply([9])
        try bench.source.call(1).reply([1])
        #expect(try mended.wait()[0].bytes == [1])
        let wrong = bench.fetch(plan(1, verify: check))
        try bench.source.call(2).reply([9])
        try bench.source.call(3).reply([8])
        #expect(try wrong.wait()[0].failure == "invalid: not one")
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        #expect(bench.cache?.statistics.writes == 1)
        #expect(bench.fetcher.statistics.refetched == 2)
        #expect(bench.source.count == 4)
    }

    @Test func wrongBytesAreNoNewsOfTheVersion() throws {
        let bench = try Bench()
        defer { bench.close() }
        let check: @Sendable ([UInt8]) -> String? = { $0 == [1] ? nil : "not one" }
        let mended = bench.fetch(plan(0, verify: check))
        // A web page under status 200 carries no validator at all.
        try bench.source.call(0).reply([9], [:])
        try bench.source.call(1).reply([1])
        #expect(try mended.wait()[0].bytes == [1])
        let changed = bench.fetch(plan(1, verify: check))
        try bench.source.call(2).reply([9], ["etag": "\"2\""])
        try bench.source.call(3).reply([8], ["etag": "\"2\""])
        #expect(try changed.wait()[0].failure == "changed \"1\" to \"2\"")
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        #expect(bench.cache?.statistics.writes == 1)
    }

    @Test func aFailureReachesAllReadersAndIsNotRemembered() throws {
        let bench = try Bench()
        defer { bench.close() }
        let outcomes = [bench.fetch(plan()), bench.fetch(plan())]
        try bench.source.call(0).fail { .status(503, $0) }
        for outcome in outcomes { #expect(try outcome.wait()[0].failure == "transport status") }
        let next = bench.fetch(plan())
        try bench.source.call(1).reply([1])
        #expect(try next.wait()[0].bytes == [1])
    }

    @Test func whoJoinsWithMoreTimeGetsItsOwnRequest() throws {
        let bench = try Bench(cached: false)
        defer { bench.close() }
        let now = Instant.now
        let hasty = bench.fetch(plan(deadline: now.advanced(bySeconds: 100)))
        let call = try bench.source.call(0)
        let patient = bench.fetch(plan(deadline: now.advanced(bySeconds: 200)))
        let endless = bench.fetch(plan(deadline: nil))
        call.fail { .deadlineExceeded($0) }
        #expect(try hasty.wait()[0].failure == "transport deadlineExceeded")
        let second = try bench.source.call(1)
        #expect(second.request.deadline == nil)
        second.reply([4])
        #expect(try patient.wait()[0].bytes == [4])
        #expect(try endless.wait()[0].bytes == [4])
    }

    @Test func shuttingDownEndsEverything() throws {
        let bench = try Bench()
        let waiting = [bench.fetch(plan(0)), bench.fetch(plan(0)), bench.fetch(plan(1))]
        let calls = [try bench.source.call(0), try bench.source.call(1)]
        bench.fetcher.shutDown()
        for outcome in waiting { #expect(try outcome.wait()[0].failure == "shut down") }
        #expect(eventually { calls.allSatisfy { $0.cancelled.value == 1 } })
        #expect(try bench.fetch(plan(2)).wait()[0].failure == "shut down")
        #expect(bench.fetcher.statistics.waitingReaders == 0)
        bench.close()
        #expect(waiting.allSatisfy { $0.count == 1 })
    }
}
