import Support
import TestTools
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

        func file(_ length: Int, validator: String? = nil, number: Int = 1) -> ExtentFile {
            ExtentFile(
                id: "9/file/\(number)", url: "https://h/f", length: length, validator: validator,
                fetcher: bench.fetcher)
        }

        func close() {
            server.release()
            bench.close()
            server.join()
        }
    }

    private func fetch(
        _ file: ExtentFile, _ index: Int, _ token: CancellationToken = CancellationToken(), lane: Lane = .demand
    ) -> Outcomes {
        let outcomes = Outcomes()
        file.fetch(extent: index, lane: lane, token: token, completion: outcomes.completion)
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

    @Test func whoReadsInTheBackgroundIsAnsweredWhenTheDiskHasIt() throws {
        let length = 2 * mebibyte
        let site = try Site(WholeServer.Plan(length: length))
        defer { site.close() }
        // Each begins the pass over a file of its own, and so is aboard when its extent comes.
        for number in 0..<20 {
            let file = site.file(length, number: number)
            let wasOnDisk = Monitor<Bool?>(nil)
            file.fetch(extent: 1, lane: .prefetch, token: CancellationToken()) { _ in
                wasOnDisk.update { $0 = file.isOnDisk(extent: 1) }
            }
            #expect(wasOnDisk.wait(until: .now.advanced(bySeconds: 60)) { $0 } == true)
        }
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
        let extents = BlockFetcher.mostPendingExtents + 6
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
        #expect(eventually { site.bench.cache?.statistics.blocks == BlockFetcher.mostPendingExtents })
        #expect(try isRight(fetch(file, extents - 1), file, extents - 1))
        #expect(eventually { site.bench.cache?.statistics.blocks == extents })
        #expect(site.server.passes.value == 2)
    }

    /// However many files are read at once.
    @Test func theBoundOnMemoryIsOneForAllPasses() throws {
        let extents = BlockFetcher.mostPendingExtents / 2 + 4
        let site = try Site(WholeServer.Plan(length: extents * mebibyte, pausesAt: 0))
        defer { site.close() }
        let files = (1...2).map { site.file(extents * mebibyte, number: $0) }
        let readers = files.map { fetch($0, 0) }
        #expect(eventually { site.server.passes.value == 2 && site.bench.workers.backlog == 0 })
        let gate = Monitor(false)
        let blocked = Counter()
        for _ in 0..<2 {
            site.bench.workers.submit {
                blocked.add()
                gate.wait { $0 ? () : nil }
            }
        }
        #expect(eventually { blocked.value == 2 })
        site.server.release()
        let state = site.bench.fetcher.state
        #expect(eventually { state.withLock { $0.streams.isEmpty } })
        #expect(state.withLock { $0.pendingExtents } == BlockFetcher.mostPendingExtents)
        gate.update { $0 = true }
        for (reader, file) in zip(readers, files) { #expect(try isRight(reader, file, 0)) }
        #expect(eventually { state.withLock { $0.pendingExtents } == 0 })
        #expect(site.bench.cache?.statistics.blocks == BlockFetcher.mostPendingExtents)
    }

    /// Its extent comes before the call that starts the pass is over.
    @Test func aReaderServedAtOnceDoesNotEndItsPass() throws {
        let length = 3 * mebibyte
        let server = WholeServer(WholeServer.Plan(length: length, pausesAt: mebibyte))
        let isServed = Monitor(false)
        let bench = try Bench(
            ScriptedSource { call in
                server.serve(call)
                if call.request.sink != nil { isServed.wait { $0 ? () : nil } }
            })
        defer {
            server.release()
            bench.close()
            server.join()
        }
        let file = ExtentFile(
            id: "9/file/1", url: "https://h/f", length: length, validator: nil, fetcher: bench.fetcher)
        file.fetch(extent: 0, lane: .demand, token: CancellationToken()) { _ in isServed.update { $0 = true } }
        isServed.wait { $0 ? () : nil }
        let last = fetch(file, 2)
        #expect(eventually { bench.workers.backlog == 0 })
        server.release()
        #expect(try isRight(last, file, 2))
        #expect(server.passes.value == 1)
        #expect(bench.fetcher.statistics.abandoned == 0)
    }

    @Test func aPassThatNobodyWantsIsGivenUp() throws {
        let length = 3 * mebibyte
        let site = try Site(WholeServer.Plan(length: length, pausesAt: mebibyte))
        defer { site.close() }
        let file = site.file(length)
        let tokens = [CancellationToken(), CancellationToken()]
        let readers = tokens.map { fetch(file, 2, $0) }
        site.server.paused.wait { $0 ? () : nil }
        site.bench.waitForWorkers()
        tokens[0].cancel()
        // Somebody waits: it goes on.
        #expect(readers[1].count == 0 && site.bench.fetcher.statistics.abandoned == 0)
        tokens[1].cancel()
        #expect(site.bench.fetcher.statistics.abandoned == 1)
        site.server.release()
        #expect(try isRight(fetch(file, 2), file, 2))
        #expect(site.server.passes.value == 2)
        for reader in readers { #expect(try reader.wait()[0].failure == "cancelled") }
    }

    /// `neuronfs prefetch` of a file, and somebody who waits for it as well.
    @Test func aPassForNobodyWhoWaitsIsHastenedByTheFirstWhoDoes() throws {
        let length = 3 * mebibyte
        let site = try Site(WholeServer.Plan(length: length, pausesAt: mebibyte))
        defer { site.close() }
        let file = site.file(length)
        let background = fetch(file, 2, lane: .prefetch)
        let pass = try site.bench.source.call(1)
        #expect(pass.request.sink != nil && pass.request.lane == .prefetch)
        site.server.paused.wait { $0 ? () : nil }
        let another = fetch(file, 2, lane: .prefetch)
        #expect(eventually { site.bench.workers.backlog == 0 })
        #expect(pass.promoted.value == 0)
        let readers = [fetch(file, 2), fetch(file, 2)]
        #expect(eventually { pass.promoted.value == 1 })
        site.server.release()
        for reader in readers + [background, another] { #expect(try isRight(reader, file, 2)) }
        #expect(pass.promoted.value == 1)
        #expect(site.server.passes.value == 1)
    }

    /// A reader that is killed in the middle, and whose handle is then closed.
    @Test func aPassGoesOnWhileTheFileIsOpen() throws {
        let length = 3 * mebibyte
        let site = try Site(WholeServer.Plan(length: length, pausesAt: mebibyte))
        defer { site.close() }
        let file = site.file(length)
        for _ in 0..<2 { file.open() }
        let token = CancellationToken()
        let reader = fetch(file, 2, token)
        site.server.paused.wait { $0 ? () : nil }
        #expect(eventually { site.bench.workers.backlog == 0 })
        token.cancel()
        #expect(try reader.wait()[0].failure == "cancelled")
        #expect(!file.close())
        #expect(site.bench.fetcher.statistics.abandoned == 0)
        #expect(file.close())
        #expect(site.bench.fetcher.statistics.abandoned == 1)
        // The worker that started the request may not have it in hand yet; it cancels it then.
        let pass = try site.bench.source.call(1)
        #expect(eventually { pass.cancelled.value == 1 })
        #expect(!file.isOpen)
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
