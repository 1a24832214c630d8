import Logging
import Specimens
import Support
import Testing

@testable import AllenSource

@Suite struct StoreTests {
    private let folder: TemporaryFolder
    private let store: CatalogueStore

    init() throws {
        folder = try TemporaryFolder()
        store = try CatalogueStore(path: folder.database)
    }

    /// The store closed and opened again.
    private func reopened() throws -> CatalogueStore {
        try store.close()
        return try CatalogueStore(path: folder.database)
    }

    private func expectEqual(_ left: SpecimenList, _ right: SpecimenList) {
        #expect(left.specimens.map(\.id) == right.specimens.map(\.id))
        for (one, other) in zip(left.specimens, right.specimens) {
            #expect(one.row == other.row)
            #expect(
                [one.name, one.donorName, one.structureAcronym, one.structureParentAcronym, one.layer, one.lineName]
                    == [
                        other.name, other.donorName, other.structureAcronym, other.structureParentAcronym, other.layer,
                        other.lineName,
                    ])
            #expect(
                [one.dendriteType, one.reconstructionType, one.species?.rawValue]
                    == [other.dendriteType, other.reconstructionType, other.species?.rawValue])
            #expect(one.donorID == other.donorID && one.hasImages == other.hasImages)
            #expect([one.skeleton, one.recording] == [other.skeleton, other.recording])
        }
        #expect(left.groups == right.groups)
        #expect(left.splits == right.splits)
        #expect(left.trainable == right.trainable)
        #expect(left.cellsJSON == right.cellsJSON)
        #expect(left.cellsCSV == right.cellsCSV)
        #expect(left.fetchedAt == right.fetchedAt)
        #expect(left.generation == right.generation)
    }

    @Test func aNewStoreIsEmpty() throws {
        #expect(try store.loadList() == nil)
        #expect(try store.details(of: 1) == nil)
        #expect(try store.object(.file(1, of: 1)) == nil)
        #expect(try store.meta("x") == nil)
        try store.close()
    }

    @Test func whatIsKeptComesBackAfterARestart() throws {
        let strange: JSONObject = [
            "specimen__name": .string("a/\"\u{E9}\u{1F600}\0'; DROP TABLE specimen; --"),
            "structure__layer": .string("2/3"),
            "unknown": .object(["deep": .array([.number("1.50"), .null])]), "si__width": .string("5744"),
        ]
        let rows = [
            Rows.cell(9, strange), Rows.cell(3, species: "Homo Sapiens", donor: nil), Rows.cell(9), ["x": .int(1)],
            Rows.cell(4, trainable: false),
        ]
        try store.replaceCells(rows: rows, totalRows: 5, at: 1234.5)
        let again = try reopened()
        let loaded = try #require(try again.loadList())
        expectEqual(loaded, try SpecimenList(rows: rows, at: 1234.5))
        try again.close()
    }

    @Test(.enabled(if: RealData.has(OfficialTable.file))) func theRealListComesBack() throws {
        let rows = try OfficialTable.rows.get()
        try store.replaceCells(rows: rows, totalRows: rows.count, at: 7)
        let again = try reopened()
        let loaded = try #require(try again.loadList())
        #expect(loaded.specimens.count == 2333)
        let byID = Dictionary(uniqueKeysWithValues: rows.map { ($0["specimen__id"]?.intValue ?? 0, $0) })
        for specimen in loaded.specimens { #expect(specimen.row == byID[specimen.id]) }
        let direct = try SpecimenList(rows: rows, at: 7)
        #expect(loaded.cellsJSON == direct.cellsJSON)
        #expect(loaded.cellsCSV == direct.cellsCSV)
        #expect(loaded.groups == direct.groups)
        #expect(loaded.splits == direct.splits)
        try again.close()
    }

    @Test func anIncompleteListIsRefusedAndTheOldOneStays() throws {
        try store.replaceCells(rows: [Rows.cell(1)], totalRows: 1, at: 1)
        #expect(throws: CatalogueError.incomplete(expected: 3, got: 2)) {
            try store.replaceCells(rows: [Rows.cell(2), Rows.cell(3)], totalRows: 3, at: 2)
        }
        #expect(throws: CatalogueError.incomplete(expected: 0, got: 1)) {
            try store.replaceCells(rows: [Rows.cell(2)], totalRows: 0, at: 2)
        }
        #expect(throws: CatalogueError.noUsableRows(rows: 0)) { try store.replaceCells(rows: [], totalRows: 0, at: 2) }
        let kept = try #require(try store.loadList())
        #expect(kept.specimens.map(\.id) == [1])
        #expect(kept.fetchedAt == 1)
        try store.close()
    }

    @Test func theGenerationGrowsWithTheContentOnly() throws {
        let rows = (1...5).map { Rows.cell($0) }
        let first = try store.replaceCells(rows: rows, totalRows: 5, at: 1)
        #expect(first.isChanged && first.generation == 1 && first.specimenCount == 5)
        let same = try store.replaceCells(rows: rows.reversed(), totalRows: 5, at: 2)
        #expect(!same.isChanged && same.generation == 1)
        let kept = try #require(try store.loadList())
        #expect(kept.fetchedAt == 2)
        #expect(kept.cellsJSON == (try SpecimenList(rows: rows, at: 0)).cellsJSON)
        var changed = rows
        changed[2]["ef__tau"] = .number("1.0")
        #expect(try store.replaceCells(rows: changed, totalRows: 5, at: 3).generation == 2)
        changed[2]["ef__tau"] = .number("1.00")
        #expect(try store.replaceCells(rows: changed, totalRows: 5, at: 3).generation == 3)
        let fewer = try store.replaceCells(rows: Array(rows.prefix(2)), totalRows: 2, at: 4)
        #expect(fewer.generation == 4)
        #expect(try store.loadList()?.specimens.map(\.id) == [1, 2])
        try store.close()
    }

    @Test func notes() throws {
        try store.setMeta("endpoint", "https://x/'\"")
        try store.setMeta("checked", "12.5")
        try store.setMeta("checked", "13.5")
        #expect(try store.meta("endpoint") == "https://x/'\"")
        try store.setMeta("endpoint", nil)
        let again = try reopened()
        #expect(try again.meta("endpoint") == nil)
        #expect(try again.meta("checked") == "13.5")
        try again.close()
    }

    @Test func aClosedStoreSaysSo() throws {
        try store.close()
        try store.close()
        #expect(throws: CatalogueError.closed) { try store.loadList() }
        #expect(throws: CatalogueError.closed) { try store.setMeta("a", "b") }
    }

    /// What a killed process leaves: the file and its log, as they are on the disk at that moment.
    @Test func whatWasKeptSurvivesAProcessThatWasKilled() throws {
        try store.replaceCells(rows: (1...30).map { Rows.cell($0) }, totalRows: 30, at: 1)
        try store.setMeta("endpoint", "here")
        let other = try TemporaryFolder()
        for ending in ["", "-wal"] {
            try other.write(try folder.bytes(folder.database + ending), to: other.database + ending)
        }
        let copy = try CatalogueStore(path: other.database, logger: .silent)
        #expect(try copy.loadList()?.specimens.count == 30)
        #expect(try copy.meta("endpoint") == "here")
        #expect(!other.names.contains { $0.hasSuffix(".damaged") })
        try copy.close()
        try store.close()
    }

    @Test func aFolderThatIsNotThereIsAnError() {
        #expect(throws: CatalogueError.self) { try CatalogueStore(path: "\(folder.path)/none/catalogue.sqlite") }
        #expect(throws: CatalogueError.self) { try CatalogueStore(path: folder.path) }
    }

    // MARK: - Objects

    @Test func theVersionGrowsWhenTheBytesMayHaveChanged() throws {
        func save(
            _ length: Int?, _ etag: String?, _ date: String?, _ type: String? = nil
        ) throws -> ObjectRecord {
            try store.saveObject(
                ObjectRecord(
                    id: .file(1, of: 1), length: length, tag: etag, date: date, contentType: type, checkedAt: 1,
                    number: 99))
        }
        let first = try save(100, "\"a\"", "Mon", "text/plain")
        #expect(first.number > 1_704_067_200)
        #expect(try save(100, "\"a\"", "Mon").number == first.number)
        #expect(
            try save(nil, nil, nil)
                == {
                    var same = first; same.checkedAt = 1; return same
                }())
        #expect(try save(100, "W/\"a\"", "Tue").number == first.number)
        #expect(try save(100, "\"b\"", "Tue").number == first.number + 1)
        #expect(try save(101, "\"b\"", "Tue").number == first.number + 2)
        let bare = try save(5, nil, nil)
        #expect(bare.number == first.number + 3)
        #expect(bare.tag == nil && bare.contentType == nil)
        #expect(try save(5, nil, "Wed").number == first.number + 3)
        #expect(try save(5, nil, "Thu").number == first.number + 4)
        let again = try reopened()
        let kept = try #require(try again.object(.file(1, of: 1)))
        #expect(kept == ObjectRecord(id: .file(1, of: 1), length: 5, date: "Thu", checkedAt: 1, number: kept.number))
        #expect(kept.number == first.number + 4)
        #expect(try again.saveObject(ObjectRecord(id: .file(2, of: 1), checkedAt: 2)).number == first.number)
        try again.close()
    }
}
