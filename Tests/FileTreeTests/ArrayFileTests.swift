import Layouts
import Morphology
import Support
import TestTools
import Testing
import Volumes

@testable import FileTree

extension ArrayFile {
    /// What a read answers before it returns; nil when it does not.
    fileprivate func answer(
        _ range: Range<Int>, isDirect: Bool = false, lane: Lane = .demand
    ) -> Result<[UInt8], FileTreeError>? {
        let answer = ReadAnswer()
        read(
            offset: range.lowerBound, count: range.count, isDirect: isDirect, token: CancellationToken(lane: lane),
            receiver: answer)
        return answer.now
    }

    /// The bytes that a read answers at once; nil when it fails.
    fileprivate func bytes(_ range: Range<Int>, isDirect: Bool = false) -> [UInt8]? {
        guard case .success(let bytes)? = answer(range, isDirect: isDirect) else { return nil }
        return bytes
    }

    fileprivate func isRefused(_ range: Range<Int>) -> Bool {
        guard case .failure(.speculative)? = answer(range) else { return false }
        return true
    }
}

/// Rows of tiles of a ``MemoryVolume``, which are only noted.
private struct NotedRows: PrefetchRows {
    var planes: Int
    var rows: Int
    var bandRows = 16
    let noted = Monitor<[(number: Int, token: CancellationToken)]>([])

    var bands: Int { (rows + bandRows - 1) / bandRows }
    var count: Int { planes * bands }
    func number(plane: Int, row: Int) -> Int? { plane * bands + row / bandRows }
    func prefetch(
        _ number: Int, from part: Int, token: CancellationToken, isLeft: @escaping @Sendable (Int) -> Void
    ) {
        noted.withLock { $0.append((number, token)) }
    }

    var numbers: [Int] { noted.withLock { $0.map(\.number) } }
}

@Suite struct ArrayFileTests {
    private static let buffers = BufferPool(size: 1 << 20, limit: 4)
    private static let shape = ZYX(z: 3, y: 70, x: 260)

    static let layouts = ["plane", "volume", "npy", "chunk", "edge chunk"]

    /// A layout of a volume of some shape.
    private static func layout(_ name: String, of volume: any Volume) throws -> any ArrayLayout {
        let shape = volume.geometry.shape
        let bits = 8 * volume.element.byteCount
        switch name {
        case "plane":
            var plane = try PlaneTIFF(
                width: shape.x, height: shape.y, bitsPerSample: bits, spacing: volume.geometry.spacing)
            plane.plane = 1
            return plane
        case "volume":
            return try VolumeTIFF(
                width: shape.x, height: shape.y, depth: shape.z, bitsPerSample: bits, spacing: volume.geometry.spacing)
        case "npy": return try NumPyArray(shape: shape, element: volume.element)
        case "chunk": return ZarrChunk(voxels: ZYX(z: 0..<2, y: 16..<48, x: 32..<64), element: volume.element)
        default: return ZarrChunk(voxels: ZYX(z: 2..<4, y: 48..<80, x: 224..<288), element: volume.element)
        }
    }

    static let volumes = [
        "memory 8", "memory 16", "fetched 8", "fetched 16", "later", "crop", "labels", "gapped labels",
    ]

    /// A volume, and the byte of each of its voxels; what answers the reads that wait.
    private struct Subject {
        var volume: any Volume
        var byte: (_ z: Int, _ y: Int, _ x: Int, _ part: Int) -> UInt8
        var fetched: MemoryVolume?
    }

    private static func subject(_ name: String) throws -> Subject {
        func memory(_ volume: MemoryVolume) -> Subject { Subject(volume: volume, byte: volume.byte, fetched: volume) }
        switch name {
        case "memory 8": return memory(MemoryVolume(shape: shape, isComputed: true))
        case "memory 16": return memory(MemoryVolume(shape: shape, element: .uint16, isComputed: true))
        case "fetched 8": return memory(MemoryVolume(shape: shape))
        case "fetched 16": return memory(MemoryVolume(shape: shape, element: .uint16))
        case "later": return memory(MemoryVolume(shape: shape, answersLater: true))
        case "crop":
            let base = MemoryVolume(shape: ZYX(z: 5, y: 90, x: 300))
            let box = ZYX(z: 1..<4, y: 7..<77, x: 11..<271)
            return Subject(
                volume: CropVolume(base, to: box),
                byte: { z, y, x, part in
                    0..<3 ~= z && 0..<70 ~= y && 0..<260 ~= x ? base.byte(z + 1, y + 7, x + 11, part) : 0
                }, fetched: base)
        default:
            let variant: LabelVariant = name == "labels" ? .classes : .instance
            let gaps: Set<Int> = name == "labels" ? [] : [1]
            let nodes = (0..<3).map {
                Skeleton.Node(id: $0, type: 3, x: 2, y: 3, z: Double($0) * 0.28, radius: 1.5, parent: $0 - 1)
            }
            let source = try variant.source(
                of: Skeleton(nodes: nodes), markers: [], in: VoxelGrid(width: 260, height: 70, depth: 3),
                options: LabelOptions())
            let planes = (0..<3).map { gaps.contains($0) ? nil : source.plane($0) }
            return Subject(
                volume: LabelVolume(
                    source, variant: variant, gaps: gaps,
                    watch: VersionWatch(isCurrent: { true }, hasChanged: { false })),
                byte: { z, y, x, part in
                    guard 0..<3 ~= z, 0..<70 ~= y, 0..<260 ~= x else { return 0 }
                    return planes[z].map { $0[(y * 260 + x) * source.bytesPerVoxel + part] } ?? 255
                })
        }
    }

    /// The whole file, voxel by voxel.
    private static func file(_ layout: any ArrayLayout, _ subject: Subject) -> [UInt8] {
        var file = layout.headerBytes(0..<layout.headerSize)
        for z in layout.voxels.z {
            for y in layout.voxels.y {
                for x in layout.voxels.x {
                    for part in 0..<layout.bytesPerVoxel { file.append(subject.byte(z, y, x, part)) }
                }
            }
        }
        return file
    }

    @Test(arguments: layouts, volumes) func everyRangeOfEveryLayoutOfEveryVolumeIsAsInTheWholeFile(
        _ layoutName: String, _ volumeName: String
    ) throws {
        let subject = try Self.subject(volumeName)
        let layout = try Self.layout(layoutName, of: subject.volume)
        let expected = Self.file(layout, subject)
        #expect(expected.count == layout.fileSize)
        var random = Seeded(UInt64(layoutName.count * 100 + volumeName.count))
        for guards in [false, true] {
            let reader = SequentialReader(
                of: layout, subject.volume, rows: NotedRows(planes: 4, rows: 90), window: 4, strips: StripCache())
            let file = ArrayFile(layout, of: subject.volume, buffers: Self.buffers, reader: guards ? reader : nil)
            for _ in 0..<150 {
                if Int.random(in: 0..<8, using: &random) == 0 { subject.fetched?.forgetAll() }
                let start = Int.random(in: 0...expected.count + 50, using: &random)
                let range = start..<start + Int.random(in: 0...20_000, using: &random)
                // Pages are short, and the kernel reads more than a page at once.
                let count = Bool.random(using: &random) ? min(range.count, 4096) : range.count
                let isDirect = Bool.random(using: &random)
                let answer = ReadAnswer()
                func read(_ answer: ReadAnswer) {
                    file.read(
                        offset: start, count: count, isDirect: isDirect, token: CancellationToken(), receiver: answer)
                    subject.fetched?.answer()
                }
                read(answer)
                var found = answer.now
                if case .failure(.speculative)? = found {
                    #expect(guards && !isDirect && count > 4096, "only a speculative read is refused")
                    // Nobody is refused the same twice.
                    let again = ReadAnswer()
                    read(again)
                    found = again.now
                }
                let part = expected[min(start, expected.count)..<min(start + count, expected.count)]
                let bytes = try #require(try found?.get())
                try #require(bytes == Array(part), "\(start), \(count) bytes")
            }
        }
    }

    /// An image volume of long rows and a file of one of its planes.
    private struct Bench {
        let volume: MemoryVolume
        let layout: PlaneTIFF
        let rows: NotedRows
        let strips = StripCache()
        let transfers = MemoryCache<Int, CancellationToken>(limit: 8)

        init(width: Int = 10_000, height: Int = 64, answersLater: Bool = false) throws {
            volume = MemoryVolume(shape: ZYX(z: 1, y: height, x: width), answersLater: answersLater)
            layout = try PlaneTIFF(
                width: width, height: height, bitsPerSample: 8, spacing: ZYX(z: 1, y: 1, x: 1))
            rows = NotedRows(planes: 1, rows: height)
        }

        func open(own: Int = 1, before: Int? = nil, after: Int? = nil) -> ArrayFile {
            ArrayFile(
                layout, of: volume, buffers: ArrayFileTests.buffers,
                reader: SequentialReader(
                    of: layout, volume, rows: rows, window: 4, strips: strips,
                    neighbours: SequentialReader.Neighbours(
                        own: own, before: before, after: after, transfers: transfers)))
        }

        /// Page `index` of the pixels.
        func page(_ index: Int) -> Range<Int> { 4096 + index * 4096..<4096 + (index + 1) * 4096 }
    }

    @Test func aLargeReadIsRefusedOnceAndNeverWhenItsBytesAreInMemory() throws {
        let bench = try Bench()
        let file = bench.open()
        let range = 4096 * 20..<4096 * 36
        #expect(file.isRefused(range))
        #expect(bench.volume.pieces.isEmpty)
        #expect(file.bytes(range) != nil)
        let other = bench.open()
        #expect(other.bytes(range) != nil, "the bytes are in memory now")
        bench.volume.forgetAll()
        #expect(bench.open().bytes(range, isDirect: true) != nil)
        bench.volume.forgetAll()
        #expect(bench.open().isRefused(0..<65_536), "also with the header before it")
        #expect(bench.open().bytes(0..<4096) == bench.layout.header, "the header alone is in memory")
    }

    @Test(arguments: [1, -1]) func aReaderThatAsksPageByPageGetsStrips(direction: Int) throws {
        let bench = try Bench()
        let file = bench.open()
        let pages = 0..<(bench.layout.fileSize - 4096) / 4096
        let order = direction > 0 ? Array(pages) : pages.reversed()
        let whole = bench.volume.bytes(
            of: PlanePiece(plane: 0, columns: 0..<10_000, rows: 0..<64, bytes: 0..<640_000))
        for index in order {
            // Others push every tile out of memory between two pages.
            bench.volume.forgetAll()
            let start = index * 4096
            #expect(file.bytes(bench.page(index)) == Array(whole[start..<start + 4096]))
        }
        // 15 pages, and with the 16th a sequential reader: a strip for each of the four bands.
        #expect(bench.volume.pieces.count == 19)
        #expect(bench.volume.pieces.allSatisfy { $0.bytes.count <= 160_000 + 4096 })
    }

    @Test func whatIsAheadIsFetchedForADemandReaderAlone() throws {
        for (lane, expected) in [(Lane.demand, true), (.prefetch, false)] {
            let bench = try Bench()
            let file = bench.open()
            for index in 0..<100 { _ = file.answer(bench.page(index), lane: lane) }
            #expect(bench.rows.numbers.isEmpty == !expected)
            if expected { #expect(bench.rows.numbers == [2, 3]) }
        }
    }

    @Test func whatWasFetchedForTheNextFileGoesToTheHandleThatOpensIt() throws {
        let bench = try Bench()
        var first: ArrayFile? = bench.open(own: 1, after: 2)
        for start in stride(from: 4096, to: bench.layout.fileSize, by: 32_768) {
            _ = first?.answer(start..<min(start + 32_768, bench.layout.fileSize), isDirect: true)
        }
        let token = try #require(bench.transfers[2])
        first = nil
        #expect(!token.isCancelled)
        var second: ArrayFile? = bench.open(own: 2, before: 1)
        #expect(bench.transfers[2] != nil, "an open alone reads nothing")
        _ = second?.bytes(bench.page(0))
        #expect(bench.transfers[2] == nil && !token.isCancelled)
        second = nil
        #expect(token.isCancelled)
    }

    @Test func aFileOfAnOlderVersionIsStale() throws {
        func isStale(_ file: ArrayFile, _ range: Range<Int>) -> Bool {
            guard case .failure(.stale)? = file.answer(range) else { return false }
            return true
        }
        let bench = try Bench()
        let file = bench.open()
        #expect(file.keepsPageCache && file.isCurrent)
        bench.volume.change(0)
        #expect(!file.keepsPageCache && !file.isCurrent)
        #expect(isStale(file, bench.page(3)) && isStale(file, 0..<100), "with its header")
        // The source may say so before anybody knows it.
        let other = try Bench()
        other.volume.fail(.changedUpstream(object: .image(1, of: 1)))
        #expect(isStale(other.open(), other.page(3)))
    }

    @Test func aPlaneThatHasNotChangedIsReadOn() throws {
        let volume = MemoryVolume(shape: ZYX(z: 3, y: 4, x: 4096), isComputed: true)
        let layout = try NumPyArray(shape: volume.geometry.shape, element: .uint8)
        let file = ArrayFile(layout, of: volume, buffers: Self.buffers)
        volume.change(1)
        let plane = 4 * 4096
        #expect(file.bytes(0..<4096 + plane) != nil && file.bytes(4096 + 2 * plane..<layout.fileSize) != nil)
        for range in [4096 + plane..<4096 + plane + 1, 4096 + plane - 1..<4096 + plane + 1, 0..<layout.fileSize] {
            #expect(file.bytes(range) == nil, "\(range)")
        }
        #expect(!file.isCurrent)
    }

    @Test func theBlocksOfAFileAreThoseOfItsVoxels() throws {
        let bench = try Bench()
        let file = bench.open()
        _ = file.bytes(bench.page(0))
        let counted = Monitor<BlockCount?>(nil)
        file.countBlocks(forgets: true, token: CancellationToken()) { outcome in
            counted.update { $0 = try? outcome.get() }
        }
        let count = try #require(counted.withLock { $0 })
        #expect(count.blocks == 4 && count.missing == 3)
    }
}
