import GRDB
import Specimens
import Support
import TestTools
import Testing

@testable import AllenSource

@Suite struct WriteTroubleTests {
    @Test func bothEndsAreToldOnce() {
        var trouble = WriteTrouble()
        let start = Instant.now
        // Seconds, whether the write succeeds, whether it is told. At 3 s a small one fits between large ones that do not.
        let writes: [(Double, Bool, Bool)] = [
            (0, true, false), (1, false, true), (2, false, false), (3, true, false), (4, false, false),
            (8.9, true, false), (9.1, true, true), (10, true, false), (11, false, true),
        ]
        for (seconds, succeeds, isTold) in writes {
            let time = start.advanced(bySeconds: seconds)
            let told = succeeds ? trouble.noteSuccess(at: time) : trouble.noteFailure(at: time)
            #expect(told == isTold, "after \(seconds) s")
        }
    }

    /// A trigger that refuses stands for a disk that does.
    @Test func aStoreThatCannotBeWrittenSaysSoOnce() throws {
        let folder = try TemporaryFolder()
        let log = LogBook()
        let store = try CatalogueStore(path: folder.database, logger: log.logger)
        try store.saveObject(ObjectRecord(id: .file(1, of: 1), length: 1, checkedAt: 1))
        let other = try DatabaseQueue(path: folder.database)
        try other.write { database in
            for table in ["object", "details"] {
                try database.execute(
                    sql: """
                        CREATE TRIGGER refuse_\(table) BEFORE INSERT ON \(table)
                        BEGIN SELECT raise(ABORT, 'disk is full'); END
                        """)
            }
        }
        for number in 0..<20 {
            #expect(throws: CatalogueError.self) {
                try store.saveObject(ObjectRecord(id: .file(number, of: 2), length: 1, checkedAt: 1))
            }
            #expect(throws: CatalogueError.self) { try store.saveDetails(projections: [], of: number + 1, at: 1) }
        }
        #expect(log.lines.count == 1)
        #expect(log.lines.first?.contains("disk is full") == true)
        #expect(try store.object(.file(1, of: 1))?.length == 1)
        try other.close()
        try store.close()
        #expect(throws: CatalogueError.closed) { try store.setMeta("a", "b") }
        #expect(log.lines.count == 1)
    }
}
