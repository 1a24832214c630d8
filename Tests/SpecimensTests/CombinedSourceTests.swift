import Specimens
import Support
import TestTools
import Testing

/// Two sources as one: the main one has the specimens 1 and 2, the other one 10.
@Suite struct CombinedSourceTests {
    private let mainBlocks = ScriptedSource()
    private let otherBlocks = ScriptedSource()
    private let mainRecords = ScriptedRecords()
    private let otherRecords = ScriptedRecords()
    private let main: ScriptedSpecimenSource
    private let other: ScriptedSpecimenSource
    private let combined: CombinedSource

    init() {
        main = ScriptedSpecimenSource(
            [Specimen(id: 1), Specimen(id: 2)], records: mainRecords, blocks: mainBlocks, identity: "main")
        other = ScriptedSpecimenSource(
            [Specimen(id: 10)], records: otherRecords, blocks: otherBlocks, identity: "other")
        combined = CombinedSource(main, and: [other])
    }

    @Test func theListHasTheSpecimensOfBoth() {
        #expect(combined.list.specimens.map(\.id) == [1, 2, 10])
        #expect(combined.identity == "main")
        #expect(combined.list.cellsJSON == main.list.cellsJSON)
        #expect(combined.texts(of: combined.list).notes == "There are 2.\n\nThere are 1.")
    }

    @Test func aChangeOfEitherShowsANewerListOfBoth() {
        let shown = Monitor<[(Int, [Int])]>([])
        combined.onListChange { list in shown.update { $0.append((list.generation, list.specimens.map(\.id))) } }
        let first = combined.list.generation
        other.show([Specimen(id: 11)])
        main.show([Specimen(id: 3)])
        let (generations, ids) = shown.withLock { ($0.map(\.0), $0.map(\.1)) }
        #expect(ids == [[1, 2, 11], [3, 11]])
        #expect(generations.count == 2 && first < generations[0] && generations[0] < generations[1])
        #expect(combined.list.specimens.map(\.id) == [3, 11])
    }

    @Test func theOtherSourcesRowsFollowInTheTable() {
        var table = SpecimenTable(columns: ["id", "name"])
        table.append(["id": .int(1), "name": "a, b", "more": "left out"])
        #expect(String(decoding: table.bytes, as: UTF8.self) == "id,name\n1,\"a, b\"\n")
        var longer = SpecimenTable(table.bytes)
        longer.append(["name": "c", "more": "left out"])
        #expect(String(decoding: longer.bytes, as: UTF8.self) == "id,name\n1,\"a, b\"\n,c\n")
    }

    @Test func eachSourceIsAskedForItsOwnSpecimens() throws {
        let token = CancellationToken()
        _ = combined.objects(of: Specimen(id: 2), token: token)
        _ = combined.objects(of: Specimen(id: 10), token: token)
        #expect(main.isAsked(for: 2) && !main.isAsked(for: 10) && other.isAsked(for: 10) && !other.isAsked(for: 2))

        _ = combined.records.keep(ObjectRecord(id: .file(5, of: 10), tag: "x", checkedAt: 0), after: nil)
        #expect(otherRecords.record(of: .file(5, of: 10)) != nil && mainRecords.record(of: .file(5, of: 10)) == nil)
        #expect(combined.records.record(of: .file(5, of: 10))?.tag == "x")

        otherBlocks.isLocal.update { $0 = true }
        #expect(combined.blocks.isLocal(.file(5, of: 10)) && !combined.blocks.isLocal(.file(5, of: 1)))
        let object = SourceObject(id: .file(5, of: 10))
        _ = combined.blocks.start(BlockRequest(object: object, part: .extent(0, length: 4), expected: nil)) { _ in }
        #expect(otherBlocks.count == 1 && mainBlocks.count == 0 && combined.blocks.requestCount == 1)
        _ = combined.blocks.stat(SourceObject(id: .file(5, of: 1)), counts: false, token: token)
        #expect(mainBlocks.statCount == 1 && otherBlocks.statCount == 0)
        otherBlocks.check { _, _ in "wrong" }
        #expect(throws: BlockFault("wrong")) {
            try combined.blocks.codec.decode([1], .extent(0, length: 1), of: object)
        }
        #expect(throws: Never.self) {
            try combined.blocks.codec.decode([1], .extent(0, length: 1), of: SourceObject(id: .file(5, of: 1)))
        }
    }

    @Test func aSpecimenThatHasGoneIsStillOfItsSource() {
        other.show([])
        combined.blocks.opened(.file(5, of: 10), length: 1, version: "x")
        #expect(otherBlocks.openHandles(of: .file(5, of: 10)) == 1)
        combined.blocks.closed(.file(5, of: 10), length: 1, version: "x")
        #expect(otherBlocks.openHandles(of: .file(5, of: 10)) == 0)
    }

    @Test func aRefreshIsOfAll() {
        let refresh = combined.refresh(acceptsLosses: true)
        #expect(main.acceptsLosses == true && other.acceptsLosses == true)
        main.endRefresh(with: [Specimen(id: 1)])
        #expect(refresh.result == nil)
        other.endRefresh(with: [Specimen(id: 12)])
        #expect((try? refresh.result?.get())?.specimens.map(\.id) == [1, 12])
        _ = combined.refresh(acceptsLosses: false)
        other.endRefresh(with: SourceError(.unusable, "a test"), refused: RefusedList(time: 5, reason: "it lacks all"))
        #expect(combined.refused == RefusedList(time: 5, reason: "it lacks all"))
        combined.look()
        #expect(main.looks.value == 1 && other.looks.value == 1)
    }
}
