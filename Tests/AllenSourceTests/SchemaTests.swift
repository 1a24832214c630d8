import GRDB
import Specimens
import Support
import TestTools
import Testing

@testable import AllenSource

@Suite struct SchemaTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func change(_ body: (Database) throws -> Void) throws {
        let queue = try DatabaseQueue(path: folder.database)
        try queue.write { try body($0) }
        try queue.close()
    }

    /// What version 1 kept is there under version 2, and proves itself from then on.
    @Test func aStoreOfSchema1IsBroughtUpToDate() throws {
        let rows = (1...3).map { Rows.cell($0) } + [["x": .int(1)]]
        let list = try CellList(rows: rows)
        let sums = [list.texts.bytes, list.cellsJSON, list.cellsCSV].flatMap { part in
            let sum = CRC32C.checksum(part)
            return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: sum >> $0) }
        }
        let planes = JSONValue.array([.array(PlaneRow.fields.map { Rows.plane(5, section: 3)[$0] ?? .null })])
        try change { database in
            try Schema.migrate(database, from: 0, to: 1)
            try database.execute(
                sql: "INSERT INTO catalogue VALUES (1, 7, 12.5, 4, ?, '[]', ?, ?, ?, ?)",
                arguments: [
                    Int(truncatingIfNeeded: list.digest), Int(CRC32C.checksum(sums)), blob(list.texts.bytes),
                    blob(list.cellsJSON), blob(list.cellsCSV),
                ])
            try database.execute(
                sql: "INSERT INTO specimen (id, name, species, row_start, row_end) VALUES (1, 'other', 'mouse', 0, 1)")
            try database.execute(sql: "INSERT INTO object VALUES ('1/file/1', 5, '\"a\"', NULL, 'text/plain', 3.5, 41)")
            try database.execute(
                sql: "INSERT INTO details VALUES (1, 2, ?, NULL, ?)",
                arguments: [
                    blob(DetailsText.sealed(planes.bytes(), of: nil)),
                    blob(DetailsText.sealed(Array("[]".utf8), of: nil)),
                ])
        }
        let log = LogBook()
        let store = try CatalogueStore(path: folder.database, logger: log.logger)
        let snapshot = try #require(try store.loadList())
        #expect(snapshot.specimens.map(\.name) == ["cell 1", "cell 2", "cell 3"])
        #expect(snapshot.specimens.map(\.row) == Array(rows.prefix(3)))
        #expect(snapshot.fetchedAt == 12.5 && snapshot.generation == 7)
        #expect(
            try store.object(.file(1, of: 1))
                == ObjectRecord(
                    id: .file(1, of: 1), length: 5, tag: "\"a\"", contentType: "text/plain", checkedAt: 3.5, number: 41)
        )
        let details = try #require(try store.details(of: 1))
        #expect(details.parts == [.subImages, .reconstructions] && details.stack?.firstSection == 3)
        #expect(try !store.replaceCells(rows: rows, totalRows: 4, at: 20).isChanged)
        #expect(try store.loadList()?.fetchedAt == 20)
        #expect(log.lines == [])
        try store.close()
    }

    /// A row that damage gives to another cell, or another object, is not taken for one of its.
    @Test func aRecordUnderAnotherNameIsNotUsed() throws {
        let first = try CatalogueStore(path: folder.database, logger: .silent)
        try first.saveDetails(subImages: [Rows.plane(5, section: 3)], projections: [], of: 1, at: 1)
        try first.saveObject(ObjectRecord(id: .file(1, of: 1), length: 5, checkedAt: 1))
        try first.close()
        try change { database in
            try database.execute(sql: "UPDATE details SET specimen = 3")
            try database.execute(sql: "UPDATE object SET id = '1/file/3'")
        }
        let log = LogBook()
        let store = try CatalogueStore(path: folder.database, logger: log.logger)
        #expect(try store.details(of: 3) == nil)
        #expect(try store.object(.file(3, of: 1)) == nil)
        #expect(log.lines.count == 2)
        try store.close()
    }

    /// Nothing says when a list with a damaged head came or which it is: it is shown, and replaced by the next.
    @Test(arguments: ["generation = 9223372036854775807", "fetched_at = 9e999", "digest = 1", "head_checksum = 1"])
    func aDamagedHeadOfTheListIsNotUsed(change text: String) throws {
        let rows = [Rows.cell(1), Rows.cell(2)]
        let first = try CatalogueStore(path: folder.database, logger: .silent)
        try first.replaceCells(rows: rows, totalRows: 2, at: 5)
        try first.close()
        try change { try $0.execute(sql: "UPDATE catalogue SET \(text)") }
        let store = try CatalogueStore(path: folder.database, logger: .silent)
        let shown = try #require(try store.loadList())
        #expect(shown.specimens.map(\.id) == [1, 2])
        #expect(shown.fetchedAt == 0)
        #expect(try store.replaceCells(rows: rows, totalRows: 2, at: 6).generation == 1)
        #expect(try store.loadList()?.fetchedAt == 6)
        try store.close()
    }
}
