import Foundation
import Specimens
import Support
import TestTools
import Testing

@testable import AllenSource

/// Somebody deletes the catalogue, or its whole folder, under a running mount.
@Suite struct DeletedFileTests {
    private let folder: TemporaryFolder
    private let store: CatalogueStore
    private let log = LogBook()
    private let rows = (1...40).map { Rows.cell($0) }

    init() throws {
        folder = try TemporaryFolder()
        store = try CatalogueStore(path: folder.database, logger: log.logger)
        try store.replaceCells(rows: rows, totalRows: rows.count, at: 1)
        try store.saveDetails(subImages: [Rows.plane(1, section: 26)], projections: [], of: 1, at: 2)
        try store.saveObject(ObjectRecord(id: .file(1, of: 1), length: 5, checkedAt: 3))
        // As a mount reads it when it starts.
        try expectWhole(store)
    }

    private func expectWhole(_ store: CatalogueStore) throws {
        #expect(try store.loadList()?.specimens.count == 40)
        #expect(try store.details(of: 1)?.stack?.firstSection == 26)
        #expect(try store.object(.file(1, of: 1))?.length == 5)
    }

    /// What another process finds at the path, as the next mount will.
    private func expectWholeOnDisk() throws {
        let copy = "\(folder.path)/copy.sqlite"
        for ending in ["", "-wal"] where folder.names.contains("catalogue.sqlite\(ending)") {
            try folder.write(try folder.bytes(folder.database + ending), to: copy + ending)
        }
        let found = try CatalogueStore(path: copy, logger: .silent)
        try expectWhole(found)
        #expect(try found.meta("later") == "yes")
        try found.close()
    }

    private func remove(_ names: [String]) throws {
        for name in names { try FileManager.default.removeItem(atPath: "\(folder.path)/\(name)") }
    }

    @Test(arguments: [true, false]) func aDeletedFileIsWrittenAgain(withItsLog: Bool) throws {
        try remove(withItsLog ? folder.names : ["catalogue.sqlite"])
        try store.restoreIfDeleted()
        try expectWhole(store)
        try store.setMeta("later", "yes")
        try expectWholeOnDisk()
        #expect(log.messages(.warning).count == 1)
        #expect(!folder.names.contains { $0.contains(".new") })
        try store.close()
    }

    /// Whatever is done first with the store finds it whole.
    @Test func everyCallFindsIt() throws {
        let calls: [() throws -> Void] = [
            { _ = try store.loadList() }, { _ = try store.object(.file(1, of: 1)) },
            { try store.setMeta("later", "yes") },
        ]
        for (round, call) in calls.enumerated() {
            try remove(folder.names)
            // It is tried every five seconds.
            if round > 0 { sleep(6) }
            try call()
            #expect(folder.names.contains("catalogue.sqlite"))
        }
        try expectWhole(store)
        try expectWholeOnDisk()
        try store.close()
    }

    @Test func aFolderThatComesBackLaterIsWrittenTo() throws {
        try FileManager.default.removeItem(atPath: folder.path)
        try store.setMeta("later", "yes")
        try expectWhole(store)
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        sleep(6)
        try store.restoreIfDeleted()
        try expectWhole(store)
        try expectWholeOnDisk()
        try store.close()
    }

    @Test func aFilePutInItsPlaceIsTaken() throws {
        let other = "\(folder.path)/other.sqlite"
        let theirs = try CatalogueStore(path: other, logger: .silent)
        try theirs.setMeta("whose", "theirs")
        try theirs.close()
        try remove(["catalogue.sqlite", "catalogue.sqlite-wal", "catalogue.sqlite-shm"])
        try FileManager.default.moveItem(atPath: other, toPath: folder.database)
        #expect(try store.meta("whose") == "theirs")
        #expect(try store.loadList() == nil)
        #expect(log.messages(.warning).count == 1)
        try store.close()
    }
}
