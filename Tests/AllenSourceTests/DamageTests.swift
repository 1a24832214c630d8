import Foundation
import Specimens
import Support
import TestTools
import Testing

@testable import AllenSource

@Suite struct DamageTests {
    private let folder: TemporaryFolder
    private let rows = (1...40).map { Rows.cell($0, donor: $0 / 3, ["note": .string("needle-\($0)")]) }

    init() throws { folder = try TemporaryFolder() }

    /// A closed store with cells, details and objects; the bytes of its file.
    private func filled() throws -> [UInt8] {
        let store = try CatalogueStore(path: folder.database, logger: .silent)
        try store.replaceCells(rows: rows, totalRows: rows.count, at: 1)
        try store.saveDetails(subImages: [Rows.plane(1, section: 26)], projections: [], of: 1, at: 2)
        try store.saveObject(ObjectRecord(id: .file(1, of: 1), length: 5, checkedAt: 3))
        try store.setMeta("endpoint", "here")
        try store.close()
        return try folder.bytes(folder.database)
    }

    /// Puts `bytes` in the place of the store, without a log that an earlier one may have left.
    private func plant(_ bytes: [UInt8]) throws {
        for name in folder.names { try FileManager.default.removeItem(atPath: "\(folder.path)/\(name)") }
        try folder.write(bytes, to: folder.database)
    }

    /// What has to work whatever was found on the disk.
    private func expectUsable(_ store: CatalogueStore) throws {
        try store.replaceCells(rows: rows, totalRows: rows.count, at: 9)
        #expect(try store.loadList()?.specimens.count == 40)
        try store.setMeta("a", "b")
        #expect(try store.meta("a") == "b")
        try store.saveObject(ObjectRecord(id: .file(1, of: 1), length: 5, checkedAt: 3))
    }

    private func isAside(_ suffix: String) -> Bool { folder.names.contains("catalogue.sqlite.\(suffix)") }

    @Test func aFileThatIsNoDatabaseIsMovedAside() throws {
        let garbage = [UInt8]("this is not a database, ".utf8) + [UInt8](repeating: 0x5A, count: 5000)
        try folder.write(garbage, to: folder.database)
        let store = try CatalogueStore(path: folder.database, logger: .silent)
        #expect(try store.loadList() == nil)
        #expect(isAside("damaged"))
        #expect(try folder.bytes("\(folder.database).damaged") == garbage)
        try expectUsable(store)
        try store.close()
    }

    @Test func anEmptyFileIsANewStore() throws {
        try folder.write([], to: folder.database)
        let store = try CatalogueStore(path: folder.database, logger: .silent)
        try expectUsable(store)
        #expect(!isAside("damaged"))
        try store.close()
    }

    /// Up and down without a loss: what a later version has written stays, and so does what this one writes beside it.
    @Test func aLaterSchemaStaysForTheProgramThatWroteIt() throws {
        var bytes = try filled()
        // The user version stands in the header at byte 60, big-endian (sqlite.org/fileformat.html 1.3).
        bytes[63] = 99
        try plant(bytes)
        let own = "\(folder.database).schema-2"
        for round in 1...2 {
            let log = LogBook()
            let store = try CatalogueStore(path: folder.database, logger: log.logger)
            #expect(store.path == own)
            #expect(try store.loadList()?.specimens.count == (round == 1 ? nil : 40))
            #expect(log.messages(.warning).count == 1)
            #expect(log.messages(.warning).allSatisfy { $0.contains("schema 99") && $0.contains(own) })
            try expectUsable(store)
            try store.close()
            #expect(try folder.bytes(folder.database) == bytes)
            #expect(!folder.names.contains { $0.hasSuffix(".newer") || $0.hasSuffix(".damaged") })
        }
        // The later version comes back to its own.
        bytes[63] = 2
        try folder.write(bytes, to: folder.database)
        let store = try CatalogueStore(path: folder.database, logger: .silent)
        #expect(store.path == folder.database)
        #expect(try store.meta("endpoint") == "here")
        try store.close()
    }

    @Test func aDatabaseOfAnotherProgramIsLeftWhole() throws {
        var bytes = try filled()
        // The application id stands at byte 68.
        bytes[71] ^= 1
        try plant(bytes)
        let store = try CatalogueStore(path: folder.database, logger: .silent)
        #expect(isAside("foreign"))
        #expect(try folder.bytes("\(folder.database).foreign") == bytes)
        try expectUsable(store)
        try store.close()
    }

    @Test func aTruncatedFileIsMovedAside() throws {
        let bytes = try filled()
        for length in [1, 99, 100, 4096, bytes.count / 2, bytes.count - 4096] {
            try plant(Array(bytes.prefix(length)))
            let store = try CatalogueStore(path: folder.database, logger: .silent)
            _ = try store.loadList()
            _ = try store.details(of: 1)
            try expectUsable(store)
            try store.close()
        }
    }

    /// SQLite itself does not see a changed letter within a text or blob.
    @Test func aChangedByteInTheRowsIsFound() throws {
        var bytes = try filled()
        let needle = Array("needle-17".utf8)
        var places: [Int] = []
        for start in 0..<(bytes.count - needle.count) where bytes[start] == needle[0] {
            if bytes[start..<start + needle.count].elementsEqual(needle) { places.append(start) }
        }
        #expect(places.count == 3)
        for place in places {
            bytes[place] ^= 0x20
            try plant(bytes)
            bytes[place] ^= 0x20
            let store = try CatalogueStore(path: folder.database, logger: .silent)
            #expect(try store.loadList() == nil)
            #expect(isAside("damaged"))
            try expectUsable(store)
            try store.close()
        }
    }

    /// A cell list read from a damaged file is the one that was kept, or none.
    @Test func randomDamageIsNeverFatalNorUsed() throws {
        let bytes = try filled()
        var generator = Seeded(21)
        var mended = 0
        for _ in 0..<30 {
            var broken = bytes
            for _ in 0..<Int.random(in: 1...40, using: &generator) {
                broken[Int.random(in: 0..<broken.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            try plant(broken)
            let store = try CatalogueStore(path: folder.database, logger: .silent)
            if let snapshot = try store.loadList() {
                let kept = try SpecimenList(rows: rows, at: 1)
                #expect(snapshot.cellsJSON == kept.cellsJSON)
                #expect(snapshot.specimens.allSatisfy { $0.row == rows[$0.id - 1] })
            }
            _ = try store.details(of: 1)
            _ = try store.object(.file(1, of: 1))
            try expectUsable(store)
            try store.close()
            mended += folder.names.count { $0.hasSuffix(".damaged") || $0.hasSuffix(".foreign") }
        }
        #expect(mended > 5)
    }

    /// Many threads meet the same damage; the file is replaced once and nobody fails.
    @Test func damageMetByManyThreadsIsMendedOnce() throws {
        var bytes = try filled()
        let page = 4096
        for index in page..<bytes.count where index % 7 == 0 { bytes[index] = 0xA5 }
        try plant(bytes)
        let store = try CatalogueStore(path: folder.database, logger: .silent)
        let errors = Monitor<[String]>([])
        let threads = try (0..<6).map { index in
            try NamedThread("damage-\(index)") { [rows] in
                do {
                    _ = try store.loadList()
                    _ = try store.details(of: index)
                    if index == 0 { try store.replaceCells(rows: rows, totalRows: rows.count, at: 5) }
                    try store.setMeta("thread-\(index)", "done")
                } catch {
                    errors.withLock { $0.append("\(error)") }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(errors.withLock { $0 } == [])
        #expect(isAside("damaged"))
        try expectUsable(store)
        try store.close()
    }
}
