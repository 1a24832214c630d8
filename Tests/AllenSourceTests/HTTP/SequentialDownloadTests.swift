import Specimens
import Support
import TestTools
import Testing

@testable import AllenSource
@testable import Transport

private let mebibyte = 1 << 20

/// Files of a server without ranges.
@Suite struct SequentialDownloadTests {
    private struct Site {
        let server: WholeServer
        let bench: HTTPBench

        init(_ plan: WholeServer.Plan, cached: Bool = true, workers: Int = 2) throws {
            let server = WholeServer(plan)
            self.server = server
            bench = try HTTPBench(ScriptedHTTP { server.serve($0) }, cached: cached, workers: workers)
        }

        var downloads: SequentialDownloads { bench.source.downloads }

        func fetch(
            _ file: TestFile, _ index: Int, _ token: CancellationToken = CancellationToken(), lane: Lane = .demand
        ) -> Outcomes {
            bench.fetch(file.request(index), lane: lane, token: token)
        }

        func open(_ file: TestFile) {
            bench.source.opened(.file(file.number, of: 9), length: file.length, version: file.version)
        }

        func close(_ file: TestFile) {
            bench.source.closed(.file(file.number, of: 9), length: file.length, version: file.version)
        }

        func close() {
            server.release()
            bench.close()
            server.join()
        }
    }

    private func isRight(_ outcomes: Outcomes, _ file: TestFile, _ index: Int) throws -> Bool {
        let result = try outcomes.wait()[0]
        return result.bytes == fileBytes(file.range(index)) && outcomes.count == 1
    }

    @Test(arguments: [[], [700_000], [2_500_000, 10, 3_000_000]] as [[Int]])
    func oneDownloadServesAllReadersAndFillsTheStore(breaksAt: [Int]) throws {
        let length = 4 * mebibyte + 12_345
        let site = try Site(WholeServer.Plan(length: length, breaksAt: breaksAt))
        defer { site.close() }
        let file = TestFile(length: length)
        let outcomes = (0..<25).map { (site.fetch(file, $0 % 5), $0 % 5) }
        for (outcome, index) in outcomes { #expect(try isRight(outcome, file, index)) }
        #expect(eventually { site.bench.store?.statistics.blocks == 5 })
        for index in 0..<5 { #expect(try site.fetch(file, index).wait()[0].block?.isFromStore == true) }
        #expect(site.server.downloads.value == 1)
        #expect(site.bench.fetcher.statistics.waitingReaders == 0)
    }

    @Test func aBackgroundReaderIsAnsweredWhenTheDiskHasItsExtent() throws {
        let length = 2 * mebibyte
        let site = try Site(WholeServer.Plan(length: length))
        defer { site.close() }
        // Each begins the download of a file of its own, and so has joined when its extent comes.
        for number in 0..<20 {
            let file = TestFile(number: number, length: length)
            let wasOnDisk = Monitor<Bool?>(nil)
            let fetcher = site.bench.fetcher
            fetcher.fetch(file.request(1), lane: .prefetch, token: CancellationToken()) { _ in
                wasOnDisk.update { $0 = fetcher.isKept(file.request(1)) }
            }
            #expect(wasOnDisk.wait(until: .now.advanced(bySeconds: 60)) { $0 } == true)
        }
    }

    @Test func aReaderIsServedAsSoonAsItsExtentHasArrived() throws {
        let length = 4 * mebibyte
        let site = try Site(WholeServer.Plan(length: length, pausesAt: 2 * mebibyte))
        defer { site.close() }
        let file = TestFile(length: length)
        let early = site.fetch(file, 1)
        let late = site.fetch(file, 3)
        #expect(try isRight(early, file, 1))
        site.server.paused.wait { $0 ? () : nil }
        #expect(late.count == 0)
        // It went by already: from memory or the store.
        #expect(try isRight(site.fetch(file, 0), file, 0))
        // A reader that is interrupted leaves at once.
        let token = CancellationToken()
        let leaver = site.fetch(file, 2, token)
        token.cancel()
        #expect(try leaver.wait()[0].failure == "cancelled")
        site.server.release()
        #expect(try isRight(late, file, 3))
        #expect(leaver.count == 1)
        #expect(site.server.downloads.value == 1)
    }

    /// Nothing is kept, so that extents that went by cost another download, which all late readers share.
    @Test func withoutAStoreLateReadersShareTheNextDownload() throws {
        let length = 3 * mebibyte
        let site = try Site(WholeServer.Plan(length: length, pausesAt: 2 * mebibyte), cached: false)
        defer { site.close() }
        let file = TestFile(length: length)
        #expect(try isRight(site.fetch(file, 1), file, 1))
        site.server.paused.wait { $0 ? () : nil }
        let latecomers = (0..<6).map { (site.fetch(file, $0 % 2), $0 % 2) }
        #expect(eventually { site.bench.fetcher.statistics.waitingReaders == 6 && site.bench.workers.backlog == 0 })
        site.server.release()
        for (outcome, index) in latecomers { #expect(try isRight(outcome, file, index)) }
        #expect(site.server.downloads.value <= 3)
    }

    @Test func aFailureReachesAllWaitersAndTheNextReaderTriesAgain() throws {
        let length = 3 * mebibyte
        let site = try Site(WholeServer.Plan(length: length, failsAt: 3 * mebibyte / 2))
        defer { site.close() }
        let file = TestFile(length: length)
        let waiting = [site.fetch(file, 1), site.fetch(file, 2)]
        for outcome in waiting { #expect(try outcome.wait()[0].failure == "transport truncated") }
        site.server.plan.withLock { $0.failsAt = nil }
        #expect(try isRight(site.fetch(file, 2), file, 2))
        #expect(try isRight(site.fetch(file, 0), file, 0))
    }

    @Test func anotherVersionOrLengthIsRefused() throws {
        let length = 2 * mebibyte
        let site = try Site(WholeServer.Plan(length: length))
        defer { site.close() }
        #expect(
            try site.fetch(TestFile(length: length, version: "\"u\""), 0).wait()[0].failure == "changed \"u\" to \"v\"")
        site.server.plan.withLock { $0.announced = length + 1 }
        let failure = try site.fetch(TestFile(length: length), 0).wait()[0].failure
        #expect(failure == "source wrongLength")
        // More than announced.
        site.server.plan.withLock { ($0.announced, $0.length) = (nil, length + 5) }
        let other = TestFile(number: 2, length: length)
        site.server.plan.withLock { $0.announced = length }
        #expect(try site.fetch(other, 1).wait()[0].bytes == fileBytes(mebibyte..<length))
        #expect(site.bench.store?.statistics.corrupt == 0)
    }

    /// The workers are held up: memory stays bounded, and what was dropped comes with another download.
    @Test func memoryIsBoundedWhenTheDiskIsSlow() throws {
        let extents = SequentialDownloads.mostPendingExtents + 6
        let site = try Site(WholeServer.Plan(length: extents * mebibyte), workers: 1)
        defer { site.close() }
        let file = TestFile(length: extents * mebibyte)
        let gate = Monitor(false)
        let isBlocked = Monitor(false)
        let first = Outcomes()
        site.bench.fetcher.fetch(file.request(0), lane: .demand, token: CancellationToken()) { result in
            // On the only worker: nothing is stored until the download is over.
            isBlocked.update { $0 = true }
            gate.wait { $0 ? () : nil }
            first.completion(result)
        }
        isBlocked.wait { $0 ? () : nil }
        #expect(eventually { site.downloads.downloadsUnderWay == 0 })
        gate.update { $0 = true }
        #expect(try isRight(first, file, 0))
        // Those on their way to the store, and the one that a reader waited for.
        #expect(eventually { site.bench.store?.statistics.blocks == SequentialDownloads.mostPendingExtents + 1 })
        #expect(try isRight(site.fetch(file, extents - 1), file, extents - 1))
        #expect(eventually { site.bench.store?.statistics.blocks == extents })
        #expect(site.server.downloads.value == 2)
    }

    /// However many files are read at once.
    @Test func theBoundOnMemoryIsOneForAllDownloads() throws {
        let extents = SequentialDownloads.mostPendingExtents / 2 + 4
        let site = try Site(WholeServer.Plan(length: extents * mebibyte, pausesAt: 0))
        defer { site.close() }
        let files = (1...2).map { TestFile(number: $0, length: extents * mebibyte) }
        let readers = files.map { site.fetch($0, 0) }
        #expect(eventually { site.server.downloads.value == 2 && site.bench.workers.backlog == 0 })
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
        #expect(eventually { site.downloads.downloadsUnderWay == 0 })
        #expect(site.downloads.pendingExtents == SequentialDownloads.mostPendingExtents)
        gate.update { $0 = true }
        for (reader, file) in zip(readers, files) { #expect(try isRight(reader, file, 0)) }
        #expect(eventually { site.downloads.pendingExtents == 0 })
        #expect(eventually { site.bench.store?.statistics.blocks == SequentialDownloads.mostPendingExtents + 2 })
    }

    /// Its extent comes before the call that starts the download is over.
    @Test func aReaderServedAtOnceDoesNotEndItsDownload() throws {
        let length = 3 * mebibyte
        let server = WholeServer(WholeServer.Plan(length: length, pausesAt: mebibyte))
        let isServed = Monitor(false)
        let bench = try HTTPBench(
            ScriptedHTTP { call in
                server.serve(call)
                if call.request.sink != nil { isServed.wait { $0 ? () : nil } }
            })
        defer {
            server.release()
            bench.close()
            server.join()
        }
        let file = TestFile(length: length)
        bench.fetcher.fetch(file.request(0), lane: .demand, token: CancellationToken()) { _ in
            isServed.update { $0 = true }
        }
        isServed.wait { $0 ? () : nil }
        let last = bench.fetch(file.request(2))
        #expect(eventually { bench.workers.backlog == 0 })
        server.release()
        #expect(try isRight(last, file, 2))
        #expect(server.downloads.value == 1)
        #expect(bench.fetcher.statistics.abandoned == 0)
    }

    @Test func aDownloadThatNoReaderWantsIsGivenUp() throws {
        let length = 3 * mebibyte
        let site = try Site(WholeServer.Plan(length: length, pausesAt: mebibyte))
        defer { site.close() }
        let file = TestFile(length: length)
        let tokens = [CancellationToken(), CancellationToken()]
        let readers = tokens.map { site.fetch(file, 2, $0) }
        site.server.paused.wait { $0 ? () : nil }
        site.bench.waitForWorkers()
        tokens[0].cancel()
        // A reader waits: it goes on.
        #expect(readers[1].count == 0 && site.bench.fetcher.statistics.abandoned == 0)
        tokens[1].cancel()
        #expect(site.bench.fetcher.statistics.abandoned == 1)
        site.server.release()
        #expect(try isRight(site.fetch(file, 2), file, 2))
        #expect(site.server.downloads.value == 2)
        for reader in readers { #expect(try reader.wait()[0].failure == "cancelled") }
    }

    /// `neuronfs prefetch` of a file, and a reader that waits for it as well.
    @Test func aBackgroundDownloadIsPromotedByTheFirstReaderThatWaits() throws {
        let length = 3 * mebibyte
        let site = try Site(WholeServer.Plan(length: length, pausesAt: mebibyte))
        defer { site.close() }
        let file = TestFile(length: length)
        let background = site.fetch(file, 2, lane: .prefetch)
        let download = try site.bench.http.call(1)
        #expect(download.request.sink != nil && download.request.lane == .prefetch)
        site.server.paused.wait { $0 ? () : nil }
        let another = site.fetch(file, 2, lane: .prefetch)
        #expect(eventually { site.bench.workers.backlog == 0 })
        #expect(download.promoted.value == 0)
        let readers = [site.fetch(file, 2), site.fetch(file, 2)]
        #expect(eventually { download.promoted.value == 1 })
        site.server.release()
        for reader in readers + [background, another] { #expect(try isRight(reader, file, 2)) }
        #expect(download.promoted.value == 1)
        #expect(site.server.downloads.value == 1)
    }

    /// A reader that is killed in the middle, and whose handle is then closed.
    @Test func aDownloadGoesOnWhileTheFileIsOpen() throws {
        let length = 3 * mebibyte
        let site = try Site(WholeServer.Plan(length: length, pausesAt: mebibyte))
        defer { site.close() }
        let file = TestFile(length: length)
        for _ in 0..<2 { site.open(file) }
        let token = CancellationToken()
        let reader = site.fetch(file, 2, token)
        site.server.paused.wait { $0 ? () : nil }
        #expect(eventually { site.bench.workers.backlog == 0 })
        token.cancel()
        #expect(try reader.wait()[0].failure == "cancelled")
        let download = try site.bench.http.call(1)
        site.close(file)
        #expect(download.cancelled.value == 0)
        site.close(file)
        // The thread that started the request may not have it in hand yet; it cancels it then.
        #expect(eventually { download.cancelled.value == 1 })
    }

    @Test func shuttingDownEndsADownload() throws {
        let length = 3 * mebibyte
        let site = try Site(WholeServer.Plan(length: length, pausesAt: 2 * mebibyte))
        defer { site.close() }
        let file = TestFile(length: length)
        #expect(try isRight(site.fetch(file, 0), file, 0))
        let waiting = site.fetch(file, 2)
        site.server.paused.wait { $0 ? () : nil }
        #expect(try isRight(site.fetch(file, 0), file, 0))
        #expect(waiting.count == 0)
        site.bench.fetcher.shutDown()
        #expect(try waiting.wait()[0].failure == "shut down")
        #expect(try site.fetch(file, 2).wait()[0].failure == "shut down")
    }
}
