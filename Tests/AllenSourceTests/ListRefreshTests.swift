import Specimens
import Support
import TestTools
import Testing
import Transport

@testable import AllenSource

/// The list of cells of a source: where it comes from, and what takes its place.
@Suite struct ListRefreshTests {
    private let rows = (1...30).map { Rows.cell($0) }

    @Test func theFirstListComesFromTheNetworkAndIsKept() throws {
        let folder = try TemporaryFolder()
        let first = try SourceBench([.cells: rows], folder: folder, pageSize: 12)
        #expect(try first.source().list.specimens.map(\.id) == Array(1...30))
        #expect(first.asked == [.cells, .cells, .cells])
        first.close()
        // Offline there is the list of the mount before.
        let second = try SourceBench(folder: folder, isOffline: true)
        defer { second.close() }
        #expect(try second.source().list.specimens.count == 30)
        #expect(second.http.count == 0)
    }

    @Test func withoutAListAndANetworkThereIsNoSource() throws {
        let offline = try SourceBench(isOffline: true)
        defer { offline.close() }
        #expect(throws: SourceError.self) { try offline.source() }
        #expect(offline.http.count == 0)
        let empty = try SourceBench()
        defer { empty.close() }
        let error = #expect(throws: SourceError.self) { try empty.source() }
        #expect(error?.kind == .unusable && error?.cause as? CatalogueError == .noUsableRows(rows: 0))
    }

    @Test func aNewerListIsShownToObservers() throws {
        let bench = try SourceBench([.cells: rows])
        defer { bench.close() }
        let source = try bench.source()
        let seen = Monitor<[Int]>([])
        source.onListChange { list in seen.withLock { $0.append(list.generation) } }
        bench.change(.cells, rows + [Rows.cell(31)])
        #expect(try source.refresh(acceptsLosses: false).wait().get().specimens.count == 31)
        #expect(source.list.generation == 2 && seen.withLock { $0 } == [2])
    }

    @Test func aListThatLacksMuchIsRefusedUntilItIsAccepted() throws {
        let folder = try TemporaryFolder()
        let bench = try SourceBench([.cells: rows], folder: folder)
        let source = try bench.source()
        bench.change(.cells, Array(rows.prefix(20)))
        let error = try #require(source.refresh(acceptsLosses: false).failure())
        #expect(error.kind == .unusable && error.description.hasSuffix("take it with `neuronfs sync --accept`"))
        #expect(source.list.specimens.count == 30)
        #expect(source.refused?.reason.hasPrefix("it lacks 10 of the 30 known cells") == true)
        bench.close()
        let later = try SourceBench([.cells: Array(rows.prefix(20))], folder: folder)
        defer { later.close() }
        let again = try later.source()
        #expect(again.refused?.reason == source.refused?.reason)
        #expect(try again.refresh(acceptsLosses: true).wait().get().specimens.count == 20)
        #expect(again.refused == nil && later.store.refusedList == nil)
    }

    @Test func oneRefreshIsUnderWayAtATime() throws {
        let folder = try TemporaryFolder()
        let first = try SourceBench([.cells: rows], folder: folder)
        _ = try first.source()
        first.close()
        let bench = try SourceBench(folder: folder, answers: false)
        defer { bench.close() }
        let source = try bench.source()
        let refresh = source.refresh(acceptsLosses: false)
        #expect(source.refresh(acceptsLosses: false).failure()?.kind == .cancelled)
        try bench.http.call(0).fail { .connectFailed($0) }
        #expect(refresh.failure()?.kind == .failed)
        #expect(bench.log.messages(.warning).contains { $0.hasPrefix("the catalogue could not be refreshed") })
        let next = source.refresh(acceptsLosses: false)
        try bench.http.call(1).reply(SourceBench.envelope(rows, from: 0, of: 30))
        #expect(try next.wait().get().generation == 1)
    }

    @Test func anOldListIsFetchedAgainOnceInAWhile() throws {
        let folder = try TemporaryFolder()
        let earlier = try SourceBench(folder: folder)
        try earlier.store.replaceCells(rows: rows, totalRows: 30, at: wallClockSeconds() - 2 * CellListKeeper.freshness)
        earlier.close()
        let bench = try SourceBench(folder: folder, answers: false)
        defer { bench.close() }
        let source = try bench.source()
        source.look()
        try bench.http.call(0).fail { .connectFailed($0) }
        source.look()
        #expect(bench.http.count == 1)
    }

    /// A cache on the way that takes all pages for one, a reply that ends early, and one that never ends.
    @Test func pagesThatDoNotFitTogetherAreNoList() throws {
        let pages: [@Sendable (Int) -> [UInt8]] = [
            { _ in SourceBench.envelope([Rows.cell(1)], from: 0, of: 3) },
            { SourceBench.envelope($0 == 0 ? [Rows.cell(1)] : [], from: $0, of: 3) },
            { SourceBench.envelope([Rows.cell($0 + 1)], from: $0, of: 1_000_000) },
        ]
        for page in pages {
            let http = ScriptedHTTP { call in
                let start = call.request.url.contains("start_row") ? 1 : 0
                call.reply(page(start))
            }
            let workers = try WorkerPool(name: "worker", count: 1)
            defer { workers.shutdown() }
            let log = LogBook()
            let network = Network(client: http, isOffline: false, logger: log.logger)
            defer { network.close() }
            let queries = RowQueries(network: network, workers: workers, timeout: 60, logger: log.logger)
            let error = AllenAPI(endpoint: "https://example.org", queries: queries).cells().failure()
            #expect(error?.kind == .unusable)
            #expect((1...2).contains(http.count))
            http.forget()
        }
    }
}
