import BlockStore
import Glibc
import Specimens
import Support
import TestTools
import Testing

@testable import Fetch

@Suite struct SingleFlightTests {
    @Test func sixtyFourReadersShareOneRequest() throws {
        let bench = try Bench()
        defer { bench.close() }
        let outcomes = Outcomes()
        let readers = try (0..<64).map { _ in
            try NamedThread("reader") {
                bench.fetcher.fetch(
                    request(), lane: .demand, token: CancellationToken(), completion: outcomes.completion)
            }
        }
        for reader in readers { reader.join() }
        let call = try bench.source.call(0)
        #expect(bench.fetcher.statistics.waitingReaders == 64)
        call.reply([1, 2, 3])
        #expect(try outcomes.wait(64).allSatisfy { $0.bytes == [1, 2, 3] && $0.block?.isFromStore == false })
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        let statistics = bench.fetcher.statistics
        #expect(statistics.flights == 1 && statistics.joined == 63 && statistics.requests == 1)
        #expect(statistics.waitingReaders == 0)
        let again = try bench.fetch(request()).wait()[0]
        #expect(again.block?.isFromStore == true && again.bytes == [1, 2, 3])
        #expect(bench.source.count == 1)
        #expect(outcomes.count == 64)
    }

    /// Between the answer and the write to the cache there is no moment in which the block is asked for again.
    @Test func aReaderThatComesBackAtOnceCausesNoSecondRequest() throws {
        let bench = try Bench(ScriptedSource { $0.reply([7]) })
        defer { bench.close() }
        for index in 0..<200 {
            let outcomes = Outcomes()
            bench.fetcher.fetch(request(index), lane: .demand, token: CancellationToken()) { _ in
                for _ in 0..<3 {
                    bench.fetcher.fetch(
                        request(index), lane: .demand, token: CancellationToken(), completion: outcomes.completion)
                }
            }
            #expect(try outcomes.wait(3).allSatisfy { $0.bytes == [7] })
        }
        #expect(bench.source.count == 200)
    }

    /// Two requests are made while the version is not known; the first is carried out to its end before the second begins.
    @Test func aReaderWhoseVersionIsLearntMeanwhileCausesNoSecondRequest() throws {
        let bench = try Bench()
        defer { bench.close() }
        let (early, late) = (request(expecting: nil), request(expecting: nil))
        let first = bench.fetch(early)
        try bench.source.call(0).reply([5], version: "7")
        #expect(try first.wait()[0].bytes == [5])
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        let second = try bench.fetch(late).wait()[0].block
        #expect(second?.bytes == [5] && second?.isFromStore == true && second?.version == "7")
        #expect(bench.source.count == 1)
    }

    @Test func blocksAreToldApartByObjectAndIndex() throws {
        let bench = try Bench(cached: false)
        defer { bench.close() }
        let outcomes = [bench.fetch(request(0)), bench.fetch(request(1)), bench.fetch(request(0, image: 3))]
        _ = try bench.source.call(2)
        for index in 0..<3 {
            let call = try bench.source.call(index)
            call.reply(Array(name(call.request).utf8))
        }
        #expect(
            try outcomes.map { try $0.wait()[0].bytes.map { String(decoding: $0, as: UTF8.self) } } == [
                "1/image/2/t512/0 0", "1/image/2/t512/0 1", "1/image/3/t512/0 0",
            ])
    }

    @Test(arguments: ["W/\"a\"", "Sun", ""])
    func theVersionIsLearntAndNamesTheBlock(expected: String) throws {
        let bench = try Bench(ScriptedSource { $0.reply([5], version: expected) })
        defer { bench.close() }
        #expect(try bench.fetch(request(expecting: nil)).wait()[0].block?.version == expected)
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        #expect(try bench.fetch(request(expecting: expected)).wait()[0].block?.isFromStore == true)
        // The registry knows the version by now.
        #expect(try bench.fetch(request(expecting: nil)).wait()[0].block?.isFromStore == true)
        #expect(bench.source.count == 1)
        // Without a version the store cannot be asked.
        #expect(try bench.fetch(request(image: 3, expecting: nil)).wait()[0].block?.isFromStore == false)
        #expect(bench.source.count == 2)
        #expect(bench.stored(request(expecting: expected))?.bytes == [5])
        #expect(bench.stored(request(image: 4, expecting: nil)) == nil)
    }

    @Test func anotherVersionIsAnErrorAndIsNotStored() throws {
        let bench = try Bench()
        defer { bench.close() }
        let first = bench.fetch(request())
        try bench.source.call(0).reply([1], version: "2")
        #expect(try first.wait()[0].failure == "changed 1 to 2")
        let second = bench.fetch(request())
        try bench.source.call(1).fail(.changed("3"))
        #expect(try second.wait()[0].failure == "changed 1 to 3")
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        #expect(bench.store?.statistics.writes == 0)
    }

    @Test func readersOfOneFlightEachCompareWithTheVersionTheyExpect() throws {
        let bench = try Bench(cached: false)
        defer { bench.close() }
        let any = bench.fetch(request(expecting: nil))
        let old = bench.fetch(request(expecting: "0"))
        let new = bench.fetch(request(expecting: "1"))
        try bench.source.call(0).reply([1])
        #expect(try any.wait()[0].bytes == [1])
        #expect(try old.wait()[0].failure == "changed 0 to 1")
        #expect(try new.wait()[0].bytes == [1])
        #expect(bench.source.count == 1)
    }

    @Test func aReaderOfAStoredVersionIsServedThoughTheFlightFails() throws {
        let bench = try Bench()
        defer { bench.close() }
        let first = bench.fetch(request(expecting: "0"))
        try bench.source.call(0).reply([6], version: "0")
        #expect(try first.wait()[0].bytes == [6])
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        let unaware = bench.fetch(request(expecting: nil))
        let call = try bench.source.call(1)
        let aware = bench.fetch(request(expecting: "0"))
        call.fail(.failed)
        #expect(try unaware.wait()[0].failure == "source failed")
        #expect(try aware.wait()[0].bytes == [6])
    }

    @Test func wrongBytesAreFetchedOnceMoreAndNeverStored() throws {
        let bench = try Bench()
        defer { bench.close() }
        bench.source.check { bytes, _ in bytes == [1] ? nil : "not one" }
        let mended = bench.fetch(request(0))
        try bench.source.call(0).reply([9])
        try bench.source.call(1).reply([1])
        #expect(try mended.wait()[0].bytes == [1])
        let wrong = bench.fetch(request(1))
        try bench.source.call(2).reply([9])
        try bench.source.call(3).reply([8])
        #expect(try wrong.wait()[0].failure == "invalid: not one")
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        #expect(bench.store?.statistics.writes == 1)
        #expect(bench.fetcher.statistics.refetched == 2)
        #expect(bench.source.count == 4)
    }

    @Test func wrongBytesAreNoNewsOfTheVersion() throws {
        let bench = try Bench()
        defer { bench.close() }
        bench.source.check { bytes, _ in bytes == [1] ? nil : "not one" }
        let mended = bench.fetch(request(0))
        // A web page under status 200 carries no version at all.
        try bench.source.call(0).reply([9], version: "")
        try bench.source.call(1).reply([1])
        #expect(try mended.wait()[0].bytes == [1])
        let changed = bench.fetch(request(1))
        try bench.source.call(2).reply([9], version: "2")
        try bench.source.call(3).reply([8], version: "2")
        #expect(try changed.wait()[0].failure == "changed 1 to 2")
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        #expect(bench.store?.statistics.writes == 1)
    }

    @Test func aFailureReachesAllReadersAndIsNotRemembered() throws {
        let bench = try Bench()
        defer { bench.close() }
        let outcomes = [bench.fetch(request()), bench.fetch(request())]
        try bench.source.call(0).fail(.failed)
        for outcome in outcomes { #expect(try outcome.wait()[0].failure == "source failed") }
        let next = bench.fetch(request())
        try bench.source.call(1).reply([1])
        #expect(try next.wait()[0].bytes == [1])
    }

    @Test func aReaderThatJoinsWithMoreTimeGetsItsOwnRequest() throws {
        let bench = try Bench(cached: false)
        defer { bench.close() }
        let now = Instant.now
        let hasty = bench.fetch(request(deadline: now.advanced(bySeconds: 100)))
        let call = try bench.source.call(0)
        let patient = bench.fetch(request(deadline: now.advanced(bySeconds: 200)))
        let endless = bench.fetch(request(deadline: nil))
        call.fail(.deadlineExceeded)
        #expect(try hasty.wait()[0].failure == "source deadlineExceeded")
        let second = try bench.source.call(1)
        #expect(second.request.deadline == nil)
        second.reply([4])
        #expect(try patient.wait()[0].bytes == [4])
        #expect(try endless.wait()[0].bytes == [4])
    }

    @Test func shuttingDownEndsEverything() throws {
        let bench = try Bench()
        let waiting = [bench.fetch(request(0)), bench.fetch(request(0)), bench.fetch(request(1))]
        let calls = [try bench.source.call(0), try bench.source.call(1)]
        bench.fetcher.shutDown()
        for outcome in waiting { #expect(try outcome.wait()[0].failure == "shut down") }
        #expect(eventually { calls.allSatisfy { $0.cancelled.value == 1 } })
        #expect(try bench.fetch(request(2)).wait()[0].failure == "shut down")
        #expect(bench.fetcher.statistics.waitingReaders == 0)
        bench.close()
        #expect(waiting.allSatisfy { $0.count == 1 })
    }
}
