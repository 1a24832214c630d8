import Glibc
import Specimens
import Support
import Testing

@testable import AllenSource

@Suite struct ConcurrencyTests {
    /// Readers see one whole list or the other, never a mixture, while a writer alternates them.
    @Test func readersNeverSeeHalfAList() throws {
        let folder = try TemporaryFolder()
        let store = try CatalogueStore(path: folder.database)
        let lists = [0, 1].map { list in
            (1...60).map { Rows.cell($0 + 20 * list, donor: $0, ["list": .int(list)]) }
        }
        try store.replaceCells(rows: lists[0], totalRows: 60, at: 0)
        let faults = Monitor<[String]>([])
        let isDone = Monitor(false)
        let reads = Counter()
        let readers = try (0..<4).map { index in
            try NamedThread("reader-\(index)") {
                var last = 0
                while !isDone.withLock({ $0 }) {
                    do {
                        guard let snapshot = try store.loadList() else { throw CatalogueError.closed }
                        let marks = Set(snapshot.specimens.map { $0.row["list"] })
                        let first = snapshot.specimens.first?.id ?? 0
                        if marks.count != 1 || ![1, 21].contains(first) || snapshot.specimens.count != 60 {
                            faults.withLock { $0.append("mixture of \(marks)") }
                        }
                        if snapshot.generation < last { faults.withLock { $0.append("went back") } }
                        last = snapshot.generation
                        reads.add()
                    } catch {
                        faults.withLock { $0.append("\(error)") }
                        return
                    }
                }
            }
        }
        while reads.value == 0, faults.withLock({ $0.isEmpty }) { usleep(1000) }
        for turn in 1...20 { try store.replaceCells(rows: lists[turn % 2], totalRows: 60, at: Double(turn)) }
        isDone.withLock { $0 = true }
        for reader in readers { reader.join() }
        #expect(faults.withLock { $0 } == [])
        #expect(try store.loadList()?.generation == 21)
        try store.close()
    }

    @Test func writersOfManyThreadsAllArrive() throws {
        let folder = try TemporaryFolder()
        let store = try CatalogueStore(path: folder.database)
        let faults = Monitor<[String]>([])
        let threads = try (0..<4).map { index in
            try NamedThread("writer-\(index)") {
                do {
                    for step in 0..<25 {
                        try store.saveObject(ObjectRecord(id: .file(step, of: index), length: step, checkedAt: 1))
                        try store.saveObject(ObjectRecord(id: .file(9, of: 9), length: step, checkedAt: 1))
                        try store.saveDetails(
                            subImages: [Rows.plane(1, section: step)], of: index * 100 + step + 1, at: 1)
                    }
                } catch {
                    faults.withLock { $0.append("\(error)") }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(faults.withLock { $0 } == [])
        for index in 0..<4 {
            for step in 0..<25 {
                #expect(try store.object(.file(step, of: index))?.length == step)
                #expect(try store.details(of: index * 100 + step + 1)?.stack?.firstSection == step)
            }
        }
        try store.close()
    }

    /// Closing waits for calls under way; each of them ends in a result or in `closed`.
    @Test func closingIsOrderly() throws {
        let folder = try TemporaryFolder()
        let store = try CatalogueStore(path: folder.database)
        try store.replaceCells(rows: (1...50).map { Rows.cell($0) }, totalRows: 50, at: 0)
        let faults = Monitor<[String]>([])
        let started = Monitor(0)
        let readers = try (0..<3).map { index in
            try NamedThread("reader-\(index)") {
                started.update { $0 += 1 }
                do throws(CatalogueError) {
                    while true { _ = try store.loadList() }
                } catch {
                    if error != .closed { faults.withLock { $0.append("\(error)") } }
                }
            }
        }
        started.wait { $0 == 3 ? () : nil }
        try store.close()
        for reader in readers { reader.join() }
        #expect(faults.withLock { $0 } == [])
    }
}
