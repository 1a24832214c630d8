import Specimens
import Support
import TestTools
import Testing

@testable import AllenSource

/// SQLite does not notice a bit that has flipped within a row.
@Suite struct FlippedBitTests {
    private let folder: TemporaryFolder
    private let rows = (1...5).map { id in
        Rows.cell(
            id, donor: id, ["specimen__name": .string("needle-\(id)"), "structure__acronym": .string("VISp\(id)")])
    }
    private let objects = (1...3).map { id in
        ObjectRecord(
            id: Self.id(id), length: 1000 + id, tag: "\"tag-\(id)\"", date: "Mon", contentType: "a/b",
            checkedAt: 1_700_000_000.25)
    }

    /// An object whose name is found in the bytes of the file.
    private static func id(_ number: Int) -> ObjectID { .file(7_000_000 + number, of: 4711) }

    init() throws { folder = try TemporaryFolder() }

    /// The bytes of a store with cells, details and objects.
    private func filled() throws -> [UInt8] {
        let store = try CatalogueStore(path: folder.database, logger: .silent)
        try store.replaceCells(rows: rows, totalRows: rows.count, at: 1)
        for id in 1...3 { try store.saveDetails(subImages: [Rows.plane(id, section: id)], of: id, at: 2) }
        for object in objects { try store.saveObject(object) }
        try store.close()
        return try folder.bytes(folder.database)
    }

    private func open(_ bytes: [UInt8], _ log: LogBook = LogBook()) throws -> CatalogueStore {
        try folder.clear()
        try folder.write(bytes, to: folder.database)
        return try CatalogueStore(path: folder.database, logger: log.logger)
    }

    private func places(of needle: String, in bytes: [UInt8]) -> [Int] {
        let needle = Array(needle.utf8)
        return bytes.indices.dropLast(needle.count).filter {
            bytes[$0] == needle[0] && bytes[$0..<$0 + needle.count].elementsEqual(needle)
        }
    }

    private func fields(_ cell: Specimen) -> [String?] {
        let numbers = [cell.id, cell.donorID, cell.skeleton?.number, cell.recording?.number]
        return numbers.map { $0.map(String.init) } + [
            cell.name, cell.species?.rawValue, cell.donorName, cell.structureAcronym, cell.structureParentAcronym,
            cell.layer, cell.lineName, cell.dendriteType, cell.reconstructionType, "\(cell.hasImages)",
        ]
    }

    /// One bit of every byte in and around each copy of a cell's row.
    @Test func noFieldOfACellIsUsedWithAFlippedBit() throws {
        let bytes = try filled()
        let truth = try SpecimenList(rows: rows, at: 1).specimens.map(fields)
        var wrong: [String] = []
        var found = 0
        for place in places(of: "needle-3", in: bytes) {
            for offset in (place - 24)..<(place + 40) {
                var broken = bytes
                broken[offset] ^= 1 << (offset % 8)
                let store = try open(broken)
                if let cells = try store.loadList()?.specimens.map(fields), cells != truth {
                    wrong.append("byte \(offset)")
                }
                found += folder.names.count { $0.hasSuffix(".damaged") }
                try store.close()
            }
        }
        #expect(wrong == [])
        #expect(found > 100)
    }

    /// Every other bit in and around one object's row.
    @Test func noObjectIsUsedWithAFlippedBit() throws {
        let bytes = try filled()
        let first = try open(bytes)
        let truth = try objects.map { try first.object($0.id) }
        try first.close()
        let place = try #require(places(of: Self.id(2).description, in: bytes).first)
        var wrong: [String] = []
        var rejected = 0
        for bit in stride(from: (place - 12) * 8, to: (place + 56) * 8, by: 2) {
            var broken = bytes
            broken[bit / 8] ^= 1 << (bit % 8)
            let store = try open(broken)
            for (object, known) in zip(objects, truth) {
                let found = try store.object(object.id)
                if let found, found != known { wrong.append("bit \(bit): \(found)") }
                if found == nil { rejected += 1 }
            }
            try store.close()
        }
        #expect(wrong == [])
        #expect(rejected > 100)
    }

    /// Warned of once, forgotten, and never again under a version that it had.
    @Test func aDamagedObjectCostsOnlyItself() throws {
        var bytes = try filled()
        let version = try #require(try open(bytes).object(Self.id(2))?.number)
        bytes[try #require(places(of: "\"tag-2", in: bytes).first) + 2] ^= 1
        let log = LogBook()
        let store = try open(bytes, log)
        for _ in 0..<3 { #expect(try store.object(Self.id(2)) == nil) }
        #expect(log.lines.count == 1)
        #expect(try store.object(Self.id(1))?.length == 1001)
        #expect(try store.loadList()?.specimens.count == 5)
        #expect(try store.saveObject(objects[1]).number > version)
        #expect(try store.object(Self.id(2))?.length == 1002)
        #expect(!folder.names.contains { $0.hasSuffix(".damaged") })
        try store.close()
    }

    @Test func aDamagedObjectIsReplacedByTheNextReply() throws {
        var bytes = try filled()
        let version = try #require(try open(bytes).object(Self.id(2))?.number)
        bytes[try #require(places(of: "\"tag-2", in: bytes).first) + 2] ^= 1
        let store = try open(bytes)
        #expect(try store.saveObject(objects[1]).number > version)
        #expect(try store.object(Self.id(2))?.tag == "\"tag-2\"")
        try store.close()
    }

    /// The list, the objects and what is known of other cells stay.
    @Test func damagedDetailsCostOnlyTheirCell() throws {
        var bytes = try filled()
        let place = try #require(places(of: "[[2,", in: bytes).first)
        bytes[place + 3] ^= 1
        let log = LogBook()
        let store = try open(bytes, log)
        for _ in 0..<3 { #expect(try store.details(of: 2) == nil) }
        #expect(log.lines.count == 1)
        #expect(log.lines.first?.hasPrefix("warning: ") == true)
        #expect(try store.details(of: 1)?.stack?.firstSection == 1)
        #expect(try store.details(of: 3)?.stack?.firstSection == 3)
        #expect(try store.loadList()?.specimens.count == 5)
        #expect(try store.object(Self.id(1))?.length == 1001)
        try store.saveDetails(subImages: [Rows.plane(2, section: 9)], of: 2, at: 3)
        #expect(try store.details(of: 2)?.stack?.firstSection == 9)
        #expect(!folder.names.contains { $0.hasSuffix(".damaged") })
        try store.close()
    }
}
