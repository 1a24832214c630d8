import Specimens
import Support
import Testing

@testable import AllenSource

/// A list that lacks too much of what is known takes nobody's place.
@Suite struct LossTests {
    private let folder: TemporaryFolder
    private let rows = (1...40).map { Rows.cell($0, ["erwkf__id": .int(1000 + $0)]) }

    init() throws { folder = try TemporaryFolder() }

    /// What becomes of a store with forty cells that is given `newer`: the error, and how many cells it has then.
    private func outcome(_ newer: [JSONObject], compared: Bool = true) throws -> (CatalogueError?, Int) {
        let store = try CatalogueStore(path: folder.database, logger: .silent)
        try store.replaceCells(rows: rows, totalRows: rows.count, at: 1)
        let known = try #require(try store.loadList())
        var refusal: CatalogueError?
        do {
            try store.replaceCells(
                rows: newer, totalRows: newer.count, comparedWith: compared ? known : nil, at: 2)
        } catch {
            refusal = error
        }
        let kept = try #require(try store.loadList())
        #expect(kept.fetchedAt == (refusal == nil ? 2 : 1))
        try store.close()
        // On disk, too.
        let again = try CatalogueStore(path: folder.database, logger: .silent)
        let count = try #require(try again.loadList()).specimens.count
        #expect(count == kept.specimens.count)
        try again.close()
        return (refusal, count)
    }

    private func loss(_ newer: [JSONObject]) throws -> CatalogueLoss? {
        guard case .losesTooMuch(let loss)? = try outcome(newer).0 else { return nil }
        return loss
    }

    @Test func aTenthMayGo() throws {
        #expect(try outcome(Array(rows.dropFirst(4))) == (nil, 36))
        let loss = try #require(try loss(Array(rows.dropFirst(5))))
        #expect(loss.kind == .cells && loss.known == 40 && loss.lost == 5 && loss.examples == [1, 2, 3])
    }

    @Test func aSingleCellMayGoFromASmallList() throws {
        let known = try SpecimenList(rows: Array(rows.prefix(9)), at: 1)
        func loss(_ count: Int) throws -> Int? {
            CatalogueLoss(from: known, to: try SpecimenList(rows: Array(rows.prefix(9 - count)), at: 2))?.lost
        }
        #expect(try loss(0) == nil)
        #expect(try loss(1) == nil)
        #expect(try loss(2) == 2)
    }

    @Test func oneCellDoesNotReplaceForty() throws {
        let (error, count) = try outcome([rows[7]])
        #expect(count == 40)
        #expect(
            "\(try #require(error))"
                == "it lacks 39 of the 40 known cells (1, 2, 3, ...); if that is right, take it with `neuronfs sync --accept`"
        )
        #expect(try outcome([rows[7]], compared: false) == (nil, 1))
    }

    /// As many cells, and others.
    @Test func otherCellsDoNotMakeUpForThoseThatLack() throws {
        let others = (101...140).map { Rows.cell($0) }
        #expect(try loss(others)?.lost == 40)
        #expect(try outcome(rows + others) == (nil, 80))
    }

    /// Every cell is there, without what makes it worth reading.
    @Test(arguments: [
        ("si__path", CatalogueLoss.Kind.stacks), ("nrwkf__id", .skeletons), ("erwkf__id", .recordings),
    ])
    func cellsWithoutTheirFilesAreALossToo(field: String, kind: CatalogueLoss.Kind) throws {
        func without(_ count: Int) -> [JSONObject] {
            rows.enumerated().map { index, row in
                var row = row
                if index < count { row[field] = .null }
                return row
            }
        }
        #expect(try loss(without(5))?.kind == kind)
        #expect(try outcome(without(4)) == (nil, 40))
    }
}
