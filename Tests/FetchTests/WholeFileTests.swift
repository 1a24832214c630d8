import Support
import Testing

@testable import Fetch
@testable import Transport

private let mebibyte = 1 << 20

/// Files of a server without ranges.
@Suite struct WholeFileTests {
    private struct Site {
        let server: WholeServer
        let bench: Bench

        init(_ plan: WholeServer.Plan, cached: Bool = true, workers: Int = 2) throws {
            let server = WholeServer(plan)
            self.server = server
            bench = try Bench(ScriptedSource { server.serve($0) }, cached: cached, workers: workers)
        }

        func file(_ length: Int, validator: String? = nil) -> ExtentFile {
            ExtentFile(id: "9/file/1", url: "https://h/f", length: length, validator: validator, fetcher: bench.fetcher)
        }

        func close() {
            server.release()
            bench.close()
            server.join()
        }
    }

    private func fetch(_ file: ExtentFile, _ index: Int, _ token: CancellationToken = CancellationToken()) -> Outcomes {
        let outcomes = Outcomes()
        file.fetch(extent: index, lane: .demand, token: token, completion: outcomes.completion)
        return outcomes
    }

    private func isRight(_ outcomes: Outcomes, _ file: ExtentFile, _ index: Int) throws -> Bool {
        let result = try outcomes.wait()[0]
        return result.bytes == fileBytes(file.byteRange(ofExtent: index)) && outcomes.count == 1
    }

    @Test(arguments: [[], [700_000], [2_500_000, 10, 3_000_000]] as [[Int]])
    func onePassServesAllReadersAndFillsTheCache(breaksAt: [Int]) throws {
        let length = 4 * mebibyte + 12_345
        let site = try Site(WholeServer.Plan(length: length, breaksAt: breaksAt))
        defer { site.close() }
        let file = site.file(length)
        let outcomes = (0..<25).map { (fetch(file, $0 % 5), $0 % 5) }
        for (outcome, index) in outcomes { #expect(try isRight(outcome, file, index)) }
        #expect(file.validator == "\"v\"")
        #expect(eventually { site.bench.cache?.statistics.blocks == 5 })
        for index in 0..<5 { #expect(try fetch(file, index).wait()[0].block?.fromCache == true) }
        // A second handle finds all in the cache.
        let again = site.file(length, validator: "\"v\"")
        for index in 0..<5 { #expect(try isRight(fetch(again, index), again, index)) }
        #expect(site.server.passes.value == 1)
        #expect(site.bench.fetcher.statistics.waitingReaders == 0)
    }

    @Test func aReaderIsServedAsSoonAsItsExtentHasArrived() throws {
        let length = 4 * mebibyte
        let site = try Site(WholeServer.Plan(length: length, pausesAt: 2 * mebibyte))
        defer { site.close() }
        let file = site.file(length)
        let early = fetch(file, 1)
        let late = fetch(file, 3)
        #expect(try isRight(early, file, 1))
        site.server.paused.wait { $0 ? () : nil }
        #expect(late.count == 0)
        // Gone by already: from memory or the cache.
        #expect(try isRight(fetch(file, 0), file, 0))
        // Whoever is interrupted leaves at once.
        let token = CancellationToken()
        let leaver = fetch(file, 2, token)
        token.cancel()
        #expect(try leaver.wait()[0].failure == "cancelled")
        site.server.release()
        #expect(try isRight(late, file, 3))
        #expect(leaver.count == 1)
        #expect(site.server.passes.value == 1)
    }

    /// Nothing is kept, so that extents that have gone by cost another pass, which all latecomers share.
    @Test func withoutACacheLatecomersShareTheNextPass() throws {
        let length = 3 * mebibyte
        let site = try Site(WholeServer.Plan(length: length, pausesAt: 2 * mebibyte), cached: false)
        defer { site.close() }
        let file = site.file(length)
        #expect(try isRight(fetch(file, 1), file, 1))
        site.server.paused.wait { $0 ? () : nil }
        let latecomers = (0..<6).map { (fetch(file, $0 % 2), $0 % 2) }
        #expect(eventually { site.bench.fetcher.statistics.waitingReaders == 6 && site.bench.workers.backlog == 0 })
        site.server.release()
        for (outcome, index) in latecomers { #expect(try isRight(outcome, file, index)) }
        #expect(site.server.passes.value <= 3)
    }

    @Test func aFailureReachesAllWhoWaitAndTheNextReaderTriesAgain() throws {
        let length = 3 * mebibyte
        let site = try Site(WholeServer.Plan(length: length, failsAt: 3 * mebibyte / 2))
        defer { site.close() }
        let file = site.file(length)
        let waiting = [fetch(file, 1), fetch(file, 2)]
        for outcome in waiting { #expect(try outcome.wait()[0].failure == "transport truncated") }
        site.server.plan.withLock { $0.failsAt = nil }
        #expect(try isRight(fetch(file, 2), file, 2))
        #expect(try isRight(fetch(file, 0), file, 0))
    }

    @Test func anotherVersionOrLengthIsRefused() throws {
        let length = 2 * mebibyte
        let site = try Site(WholeServer.Plan(length: length))
        defer { site.close() }
        #expect(try fetch(site.file(length, validator: "\"u\""), 0).wait()[0].failure == "changed \"u\" to \"v\"")
        site.server.plan.withLock { $0.announced = length + 1 }
        let failure = try fetch(site.file(length), 0).wait()[0].failure
        #expect(failure == "invalid: the server announces \(length + 1) bytes, the catalogue \(length)")
        // More than announced.
        site.server.plan.withLock { ($0.announced, $0.length) = (nil, length + 5) }
        let other = ExtentFile(
            id: "9/file/2", url: "https://h/f", length: length, validator: nil, fetcher: site.bench.fetcher)
        site.server.plan.withLock { $0.announced = length }
        #expect(try fetch(other, 1).wait()[0].bytes == fileBytes(mebibyte..<length))
        #expect(site.bench.cache?.statistics.corrupt == 0)
    }

    /// The workers are held up: memory stays bounded, and what was let go comes with another pass.
    @Test func memoryIsBoundedWhenTheDiskIsSlow() throws {
        let extents = WholeStream.mostPending + 6
        let site = try Site(WholeServer.Plan(length: extents * mebibyte), workers: 1)
        defer { site.close() }
        let file = site.file(extents * mebibyte)
        let gate = Monitor(false)
        let isBlocked = Monitor(false)
        let first = Outcomes()
        file.fetch(extent: 0, lane: .demand, token: CancellationToken()) { result in
            // On the only worker: nothing is stored until the pass is over.
            isBlocked.update { $0 = true }
            gate.wait { $0 ? () : nil }
            first.completion(result)
        }
        isBlocked.wait { $0 ? () : nil }
        #expect(eventually { site.bench.fetcher.state.withLock { $0.streams.isEmpty } })
        gate.update { $0 = true }
        #expect(try isRight(first, file, 0))
        #expect(eventually { site.bench.cache?.statistics.blocks == WholeStream.mostPending })
        #expect(try isRight(fetch(file, extents - 1), file, extents - 1))
        #expect(eventually { site.bench.cache?.statistics.blocks == extents })
        #expect(site.server.passes.value == 2)
    }

    @Test func aPassNobodyWantsIsGivenUp() throws {
        let length = 3 * mebibyte
        let site = try Site(WholeServer.Plan(length: length, pausesAt: mebibyte))
        defer { site.close() }
        let file = site.file(length)
        let token = CancellationToken()
        let reader = fetch(file, 2, token)
        site.server.paused.wait { $0 ? () : nil }
        // Somebody waits: it goes on.
        file.stopStreaming()
        #expect(reader.count == 0)
        token.cancel()
        file.stopStreaming()
        #expect(site.bench.fetcher.statistics.abandoned == 1)
        site.server.release()
        #expect(try isRight(fetch(file, 2), file, 2))
        #expect(site.server.passes.value == 2)
        #expect(try reader.wait()[0].failure == "cancelled")
    }

    @Test func offlineAndShutDown() throws {
        let length = 3 * mebibyte
        let site = try Site(WholeServer.Plan(length: length, pausesAt: 2 * mebibyte))
        defer { site.close() }
        let file = site.file(length)
        #expect(try isRight(fetch(file, 0), file, 0))
        let waiting = fetch(file, 2)
        site.bench.fetcher.setOffline(true)
        // A pass under way goes on.
        site.server.paused.wait { $0 ? () : nil }
        #expect(try isRight(fetch(file, 0), file, 0))
        #expect(waiting.count == 0)
        site.bench.fetcher.shutDown()
        #expect(try waiting.wait()[0].failure == "shut down")
        #expect(try fetch(file, 2).wait()[0].failure == "shut down")
    }
}
