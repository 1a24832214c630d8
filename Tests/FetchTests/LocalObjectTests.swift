import Specimens
import Support
import TestTools
import Testing

@testable import Fetch

/// Objects whose bytes lie on this machine.
@Suite struct LocalObjectTests {
    private let source: ScriptedSource
    private let tag = Monitor("a")

    init() {
        source = ScriptedSource(
            { $0.reply([7], version: "a") },
            stat: { [tag] object in
                Promise(
                    .success(
                        ObjectRecord(id: object.id, length: 4, tag: tag.withLock { $0 }, checkedAt: wallClockSeconds()))
                )
            })
        source.isLocal.update { $0 = true }
    }

    @Test func noStoreKeepsTheirBlocks() throws {
        let bench = try Bench(source)
        defer { bench.close() }
        for count in 1...2 {
            let outcomes = bench.fetch(request(expecting: "a"))
            #expect(try outcomes.wait().first?.bytes == [7])
            #expect(source.count == count)
        }
        #expect(bench.store?.statistics.blocks == 0)
        #expect(bench.fetcher.isKept(request(expecting: "a")))
        #expect(bench.fetcher.readNow(request(expecting: "a"), 0..<1, of: 1) == nil)
    }

    @Test func nothingIsFetchedAhead() throws {
        let bench = try Bench(source)
        defer { bench.close() }
        #expect(!bench.fetcher.prefetch(request(expecting: "a")))
        #expect(source.count == 0)
    }

    @Test func eachOpenAsksForTheVersion() throws {
        let bench = try Bench(source)
        defer { bench.close() }
        let registry = bench.fetcher.registry
        let object = SourceObject(id: .file(2, of: 1))
        let changed = Monitor<[String]>([])
        registry.onChange { records in changed.update { $0 += records.map(\.validator) } }
        let first = try registry.record(of: object, token: CancellationToken()).wait().get()
        #expect(first.validator == "a" && source.statCount == 1)
        tag.update { $0 = "b" }
        let second = try registry.record(of: object, token: CancellationToken()).wait().get()
        #expect(second.validator == "b" && second.number > first.number && source.statCount == 2)
        #expect(changed.withLock { $0 } == ["b"])

        bench.fetcher.changed([ObjectRecord(id: object.id, length: 4, tag: "b2", checkedAt: wallClockSeconds())])
        #expect(registry.cached(object.id)?.validator == "b2" && changed.withLock { $0 } == ["b", "b2"])
        #expect(source.statCount == 2)

        tag.update { $0 = "c" }
        let isLoaded = Monitor(false)
        registry.load(object) { isLoaded.update { $0 = true } }
        isLoaded.wait { $0 ? () : nil }
        #expect(registry.cached(object.id)?.validator == "c" && source.statCount == 3)
    }
}
