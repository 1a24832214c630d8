import Glibc
import Specimens
import Support
import TestTools
import Testing

@testable import FolderSource

/// A folder that changes under its readers.
@Suite struct FolderVersionTests {
    private final class Taker: BlockTaker {
        let changed = Monitor<[ObjectRecord]>([])
        let takesBlocks = false
        func take(_ block: SourceBlock, _ request: BlockRequest) {}
        func changed(_ records: [ObjectRecord]) { changed.update { $0 += records } }
    }

    private func cell() throws -> TestFolder {
        let folder = try TestFolder()
        try folder.write("a/x.swc", "first")
        try folder.tiff("a/x.tif")
        return folder
    }

    /// Changes of the skeleton: a new inode of the same size and time, the same inode with other bytes, another time alone.
    enum Change: CaseIterable { case rename, rewrite, touch }

    private func make(_ change: Change, _ folder: TestFolder, _ name: String, _ bytes: [UInt8]) throws {
        switch change {
        case .rename:
            try folder.write("new", bytes)
            var status = stat()
            stat(folder.full(name), &status)
            utimensat(AT_FDCWD, folder.full("new"), [status.st_atim, status.st_mtim], 0)
            rename(folder.full("new"), folder.full(name))
        case .rewrite: try folder.write(name, bytes)
        case .touch: utimensat(AT_FDCWD, folder.full(name), nil, 0)
        }
    }

    @Test(arguments: Change.allCases) func everyChangeIsAnotherVersion(_ change: Change) throws {
        let folder = try cell()
        for name in ["a/x.swc", "a/x.tif"] { folder.age(name) }
        let bench = try FolderBench(folder)
        defer { bench.close() }
        let taker = Taker()
        bench.source.blocks.attach(taker)
        let skeleton = try #require(try bench.objects("a").skeleton)
        let image = try bench.request("a", plane: 1, SourceObject.Frame(x: 0, y: 0, width: 45, height: 37)).object
        let records = try [skeleton, image].map { bench.source.records.keep(try bench.stat($0), after: nil) }
        #expect(records.map(\.number) == [1, 1] && records[0].length == 5 && records[1].length == nil)
        #expect(try bench.bytes(skeleton, expecting: records[0].validator) == Array("first".utf8))
        _ = try bench.pixels("a", plane: 1, expecting: records[1].validator)

        let old = try Array(readWholeFile(folder.full("a/x.tif")))
        try make(change, folder, "a/x.swc", Array((change == .touch ? "first" : "other").utf8))
        try make(change, folder, "a/x.tif", old)
        // Before the folder is looked at again.
        let text = try bench.stat(skeleton).validator
        #expect(text != records[0].validator)
        #expect(kind { _ = try bench.bytes(skeleton, expecting: records[0].validator) } == .changed(text))
        let imageText = try bench.stat(image).validator
        #expect(kind { _ = try bench.pixels("a", plane: 1, expecting: records[1].validator) } == .changed(imageText))
        #expect(try bench.bytes(skeleton, expecting: text).count == 5)
        _ = try bench.pixels("a", plane: 1, expecting: imageText)
        #expect(taker.changed.withLock { $0.isEmpty })

        let generation = bench.source.list.generation
        #expect(try bench.rescan().generation == generation + 1)
        #expect(eventually { taker.changed.withLock { $0.count == 2 } })
        let news = taker.changed.withLock { Dictionary($0.map { ($0.id, $0.validator) }) { _, last in last } }
        #expect(news == [skeleton.id: text, image.id: imageText])
        #expect(bench.source.records.keep(try bench.stat(skeleton), after: nil).number == 2)
        #expect(try bench.rescan().generation == generation + 1)
    }

    @Test func cellsComeGoAndChange() throws {
        let folder = try cell()
        let bench = try FolderBench(folder)
        defer { bench.close() }
        let seen = Monitor<[SpecimenList]>([])
        bench.source.onListChange { list in seen.update { $0.append(list) } }
        #expect(try bench.rescan().generation == 1 && seen.withLock { $0.isEmpty })
        let old = try bench.specimen("a")
        let handle = try #require(try bench.objects("a").skeleton)

        try folder.write("b/y.swc", "b")
        #expect(
            eventually {
                bench.source.look(); return bench.names == ["a", "b"]
            })
        try folder.tiff("a/x.tif", pages: 3, width: 20, bits: 16)
        #expect(
            eventually {
                bench.source.look(); return bench.source.list.generation == 3
            })
        let stack = try #require(try bench.objects("a").stack)
        #expect(stack.depth == 3 && stack.width == 20 && stack.bits == 16)
        #expect(try !bench.specimen("a").hasSameRow(as: old) && bench.specimen("a").id == old.id)
        TestFolder.remove(Array(folder.full("a").utf8))
        #expect(
            eventually {
                bench.source.look(); return bench.names == ["b"]
            })
        #expect(eventually { seen.withLock { $0.count == 3 } })
        #expect(seen.withLock { $0.map(\.generation) } == [2, 3, 4])
        #expect(kind { _ = try bench.stat(handle) } == .failed)
        #expect(kind { _ = try bench.source.objects(of: old, token: CancellationToken()).wait().get() } == .failed)
    }

    @Test func aReaderOfAnEarlierShapeGetsNoPixels() throws {
        let folder = try cell()
        let bench = try FolderBench(folder)
        defer { bench.close() }
        let before = try bench.request("a", plane: 1, SourceObject.Frame(x: 0, y: 0, width: 5, height: 5))
        try folder.tiff("a/x.tif", pages: 1)
        guard case .changed = kind({ _ = try bench.block(before) }) else { Issue.record("there is no page 1"); return }
        try folder.tiff("a/x.tif", pages: 2, width: 44)
        guard case .changed = kind({ _ = try bench.block(before) }) else { Issue.record("it has another size"); return }
        try folder.tiff("a/x.tif", pages: 2, bits: 16)
        guard case .changed = kind({ _ = try bench.block(before) }) else {
            Issue.record("it has other bits")
            return
        }
        try folder.tiff("a/x.tif", pages: 2)
        #expect(try bench.block(before).bytes.count == 25)
    }

    @Test func aFileThatShrinksWhileItIsReadIsFoundOut() throws {
        let folder = try TestFolder()
        try folder.write("a.swc", String(repeating: "x", count: 5000))
        let root = try FolderRoot(folder.path)
        let file = try root.open().file("a.swc")
        #expect(try file.bytes(10..<20, token: CancellationToken()).count == 10)
        try file.checkVersion()
        truncate(folder.full("a.swc"), 100)
        #expect(throws: FolderFault.tooShort) { try file.bytes(50..<200, token: CancellationToken()) }
        let error = #expect(throws: FolderFault.self) { try file.checkVersion() }
        guard case .changed(let version)? = error else { Issue.record("\(String(describing: error))"); return }
        #expect(version?.size == 100)
        let token = CancellationToken()
        token.cancel()
        #expect(throws: FolderFault.cancelled) { try file.bytes(0..<10, token: token) }
    }

    @Test func aFolderThatIsGoneIsAnOutageAndComesBack() throws {
        let folder = try cell()
        let bench = try FolderBench(folder)
        defer { bench.close() }
        let skeleton = try #require(try bench.objects("a").skeleton)
        rename(folder.path, "\(folder.path).away")
        guard case .outage = kind({ _ = try bench.stat(skeleton) }) else { Issue.record("no outage"); return }
        #expect(bench.source.blocks.outage(for: skeleton.id) != nil)
        #expect(bench.source.blocks.unreachable == [folder.path] && bench.names == ["a"])
        guard case .outage = kind({ _ = try bench.rescan() }) else { Issue.record("no outage"); return }
        #expect(bench.log.messages(.warning).count == 1)
        rename("\(folder.path).away", folder.path)
        #expect(
            eventually {
                bench.source.look(); return bench.source.blocks.outage(for: skeleton.id) == nil
            })
        #expect(try bench.stat(skeleton).length == 5 && bench.source.list.generation == 1)
    }

    @Test func afterTheEndEveryQuestionIsAnswered() throws {
        let bench = try FolderBench(try cell())
        defer { bench.close() }
        let skeleton = try #require(try bench.objects("a").skeleton)
        let cell = try bench.specimen("a")
        try bench.folder.write("a/meta.json", "{}")
        _ = try bench.rescan()
        bench.source.blocks.shutDown()
        #expect(kind { _ = try bench.stat(skeleton) } == .shutDown)
        let request = BlockRequest(object: skeleton, part: .extent(0, length: 5), expected: nil)
        #expect(kind { _ = try bench.block(request) } == .shutDown)
        #expect(kind { _ = try bench.source.objects(of: cell, token: CancellationToken()).wait().get() } == .shutDown)
        for _ in 0..<2 { #expect(kind { _ = try bench.rescan() } == .shutDown) }
        bench.source.look()
        bench.source.blocks.shutDown()
    }

    @Test func aFileThatNobodyReadsIsClosed() throws {
        let folder = try cell()
        let bench = try FolderBench(folder)
        defer { bench.close() }
        let workers = try WorkerPool(name: "decode", count: 1)
        defer { workers.shutdown() }
        let shelf = TIFFShelf(workers: workers, idleTime: 0, logger: bench.log.logger)
        let open = try FolderRoot(folder.path).open()
        weak var file: TIFFFile?
        do {
            let tiff = try shelf.file("a/x.tif", in: open, token: CancellationToken())
            file = tiff.tiff
            #expect(try shelf.file("a/x.tif", in: open, token: CancellationToken()).tiff === tiff.tiff)
        }
        #expect(file != nil)
        shelf.closeIdle()
        #expect(file == nil)
    }
}
