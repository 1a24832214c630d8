import Fetch
import Layouts
import Logging
import Specimens
import Support
import TestTools
import Testing
import Volumes

/// Images of 150 x 100 px in tiles of 64, drawn by a scripted source.
@Suite struct ImageVolumeTests {
    private static let shape = ZYX(z: 4, y: 100, x: 150)
    private static let geometry = VolumeGeometry(
        shape: shape, spacing: ZYX(z: 0.28, y: 0.1144, x: 0.1144), origin: ZYX(z: 0, y: 0.2288, x: 0.1144))
    /// Plane 2 has no image.
    private static let images: [PlaneImage?] = [10, 11, nil, 13].map { id in
        id.map {
            PlaneImage(
                imageID: $0, sectionNumber: $0, x: 1, y: 2, width: 150, height: 100, frameWidth: 200, frameHeight: 200,
                xSpacing: 0.1144, ySpacing: 0.1144)
        }
    }

    /// - Parameter planes: those of the bench without.
    private func volume(_ bench: ImageBench, planes: PlaneReader? = nil) throws -> ImageVolume {
        let stack = try #require(ImageStack(planes: Self.images.compactMap { $0 }, zSpacing: 0.28))
        return ImageVolume(
            .stack(stack), of: 1, geometry: Self.geometry, planes: planes ?? bench.planes, registry: bench.registry)
    }

    /// A plane as the decoder gives its tiles, one by one.
    private static func plane(_ plane: Int, level: Int) -> [UInt8] {
        let (width, height) = (geometry.level(level).shape.x, geometry.level(level).shape.y)
        var pixels = [UInt8](repeating: 0, count: width * height)
        guard let image = images[plane] else { return pixels }
        for top in stride(from: 0, to: height, by: ImageBench.side) {
            for left in stride(from: 0, to: width, by: ImageBench.side) {
                let (w, h) = (min(ImageBench.side, width - left), min(ImageBench.side, height - top))
                let tile = ImageBench.tile(image.imageID, level: level, left: left, top: top, width: w, height: h)
                for y in 0..<h {
                    pixels.replaceSubrange(
                        (top + y) * width + left..<(top + y) * width + left + w, with: tile[y * w..<(y + 1) * w])
                }
            }
        }
        return pixels
    }

    @Test(arguments: 0...3) func everyPieceOfALevelIsThatOfItsPlanes(_ level: Int) throws {
        let bench = try ImageBench()
        defer { bench.close() }
        let volume = try volume(bench).level(level)
        let shape = volume.geometry.shape
        #expect(volume.geometry == Self.geometry.level(level) && volume.element == .uint8)
        let planes = (0..<4).map { Self.plane($0, level: level) }
        func byte(_ z: Int, _ y: Int, _ x: Int) -> UInt8 {
            0..<4 ~= z && 0..<shape.y ~= y && 0..<shape.x ~= x ? planes[z][y * shape.x + x] : 0
        }
        for piece in Pieces(200, of: volume, seed: UInt64(level)) {
            let line = piece.columns.count
            let expected = piece.bytes.map {
                byte(piece.plane, piece.rows.lowerBound + $0 / line, piece.columns.lowerBound + $0 % line)
            }
            try #require(volume.gives(expected, for: piece), "\(piece)")
            #expect(volume.cost(of: piece) == .memory)
        }
    }

    @Test func sixteenBitsAreReadByteByByte() throws {
        let bench = try ImageBench(bits: 16)
        defer { bench.close() }
        let image = PlaneImage(
            imageID: 10, sectionNumber: 0, x: 1, y: 2, width: 150, height: 100, frameWidth: 200, frameHeight: 200,
            xSpacing: 0.1144, ySpacing: 0.1144, bits: 16)
        var geometry = Self.geometry
        geometry.shape.z = 1
        let volume = ImageVolume(
            .plane(image), of: 1, geometry: geometry, planes: bench.planes, registry: bench.registry)
        #expect(volume.element == .uint16)
        let plane = Self.plane(0, level: 0).flatMap { [$0, ~$0] }
        for piece in Pieces(200, of: volume, seed: 16) {
            let line = piece.columns.count * 2
            let expected: [UInt8] = piece.bytes.map {
                let (y, x) = (piece.rows.lowerBound + $0 / line, piece.columns.lowerBound * 2 + $0 % line)
                return piece.plane == 0 && 0..<100 ~= y && 0..<300 ~= x ? plane[y * 300 + x] : 0
            }
            try #require(volume.gives(expected, for: piece), "\(piece)")
        }
        let all = VoxelBox(z: 0..<1, y: 0..<100, x: 0..<150)
        #expect(try volume.countBlocks(in: all, forgets: false, token: CancellationToken()).wait().get().blocks == 6)
    }

    @Test func aPieceFetchesItsOwnTilesAlone() throws {
        let bench = try ImageBench()
        defer { bench.close() }
        let volume = try volume(bench)
        let token = CancellationToken()
        // Columns 64..<128 of rows 0..<64 are one tile, whatever else the rectangle has.
        let inner = PlanePiece(plane: 1, columns: 64..<128, rows: 0..<64, bytes: 0..<64 * 64)
        var buffer = [UInt8](repeating: 0, count: 150 * 100)
        func isThere(_ piece: PlanePiece) -> Bool {
            buffer.withUnsafeMutableBytes { volume.readNow(piece, into: .init(rebasing: $0[..<piece.bytes.count])) }
        }
        #expect(volume.cost(of: inner) == .request && !isThere(inner))
        _ = try volume.read(inner, token: token).wait().get()
        #expect(bench.source.count == 1 && volume.cost(of: inner) == .memory)
        // A part of one row.
        let part = PlanePiece(plane: 1, columns: 0..<150, rows: 0..<100, bytes: 70..<100)
        #expect(volume.cost(of: part) == .memory && isThere(part))
        // The first two rows of all columns.
        let rows = PlanePiece(plane: 1, columns: 0..<150, rows: 0..<100, bytes: 0..<300)
        #expect(volume.cost(of: rows) == .request && !isThere(rows))
        _ = try volume.read(rows, token: token).wait().get()
        #expect(bench.source.count == 3 && isThere(rows))
        // A gap costs nothing.
        let gap = PlanePiece(plane: 2, columns: 0..<150, rows: 0..<100, bytes: 0..<15_000)
        #expect(volume.cost(of: gap) == .memory && isThere(gap) && buffer.allSatisfy { $0 == 0 })
        #expect(bench.source.count == 3)
    }

    @Test func aPieceWhoseTilesAreInTheStoreCostsTheirDecoding() throws {
        let bench = try ImageBench()
        defer { bench.close() }
        let all = PlanePiece(plane: 1, columns: 0..<150, rows: 0..<100, bytes: 0..<64 * 150)
        _ = try volume(bench).read(all, token: CancellationToken()).wait().get()
        #expect(bench.source.count == 3)
        let reader = PlaneReader(fetcher: bench.fetcher, memory: 1 << 20, timeout: 60, side: ImageBench.side)
        let fresh = try volume(bench, planes: reader)
        #expect(fresh.cost(of: all) == .decoding)
        // The rows below lie in tiles that nobody has read.
        #expect(fresh.cost(of: PlanePiece(plane: 1, columns: 0..<150, rows: 0..<100, bytes: 0..<65 * 150)) == .request)
        let corner = PlanePiece(plane: 1, columns: 0..<64, rows: 0..<64, bytes: 0..<64 * 64)
        _ = try fresh.read(corner, token: CancellationToken()).wait().get()
        #expect(fresh.cost(of: corner) == .memory && fresh.cost(of: all) == .decoding && bench.source.count == 3)
    }

    @Test func onlyABoxOfGapsIsKnownToBeEmpty() throws {
        let bench = try ImageBench()
        defer { bench.close() }
        let volume = try volume(bench)
        let (y, x) = (0..<64, 0..<64)
        #expect(volume.isEmpty(ZYX(z: 2..<3, y: y, x: x)) == true)
        #expect(volume.isEmpty(ZYX(z: 4..<9, y: y, x: x)) == true)
        #expect(volume.isEmpty(ZYX(z: 0..<1, y: 100..<164, x: x)) == true)
        #expect(volume.isEmpty(ZYX(z: 2..<4, y: y, x: x)) == nil)
        #expect(bench.source.count == 0)
    }

    @Test func blocksAreTheTilesOfABox() throws {
        let bench = try ImageBench()
        defer { bench.close() }
        let volume = try volume(bench)
        func blocks(_ volume: any Volume, _ box: VoxelBox) throws -> Int {
            try volume.countBlocks(in: box, forgets: false, token: CancellationToken()).wait().get().blocks
        }
        // 3 x 2 tiles of each of three images.
        #expect(try blocks(volume, ZYX(z: 0..<4, y: 0..<100, x: 0..<150)) == 18)
        #expect(try blocks(volume, ZYX(z: 0..<2, y: 0..<64, x: 64..<129)) == 4)
        #expect(try blocks(volume, ZYX(z: 2..<3, y: 0..<64, x: 0..<64)) == 0)
        #expect(try blocks(volume.level(1), ZYX(z: 0..<1, y: 0..<64, x: 64..<128)) == 1)
        #expect(
            try blocks(CropVolume(volume, to: ZYX(z: 1..<3, y: 63..<65, x: 63..<65)), ZYX(z: 0..<2, y: 0..<2, x: 0..<2))
                == 4)
    }

    @Test func aChangedImageIsStaleForThoseWhoOpenedItBefore() throws {
        let bench = try ImageBench()
        defer { bench.close() }
        let (before, other) = (
            try volume(bench),
            ImageVolume(
                .plane(try #require(Self.images[1])), of: 1, geometry: Self.geometry, planes: bench.planes,
                registry: bench.registry)
        )
        let piece = PlanePiece(plane: 0, columns: 0..<150, rows: 0..<100, bytes: 0..<150)
        _ = try before.read(piece, token: CancellationToken()).wait().get()
        #expect(before.isCurrent && !before.hasChanged)
        bench.learn(10, "2")
        #expect(!before.isCurrent && before.hasChanged)
        #expect(!before.isCurrent(0..<2) && before.isCurrent(1..<4) && before.isCurrent(0..<0))
        #expect(before.cost(of: piece) == .request)
        #expect(throws: VolumeError.self) {
            try before.read(piece, token: CancellationToken()).wait().get()
        }
        _ = try before.read(
            PlanePiece(plane: 1, columns: 0..<150, rows: 0..<100, bytes: 0..<9), token: CancellationToken()
        )
        .wait().get()
        // The other volume does not show that image; a new one shows its new version.
        #expect(other.isCurrent && !other.hasChanged)
        let after = try volume(bench)
        #expect(after.isCurrent && after.hasChanged)
    }

    /// A volume keeps the versions of the planes read last; those of the others are found again, and are the same.
    @Test func planesThatWereReadLongAgoAreStaleToo() throws {
        let bench = try ImageBench()
        defer { bench.close() }
        let volume = try volume(bench)
        func read(_ plane: Int) throws {
            let piece = PlanePiece(plane: plane, columns: 0..<150, rows: 0..<100, bytes: 0..<150)
            _ = try volume.read(piece, token: CancellationToken()).wait().get()
        }
        for plane in [0, 1, 3, 0, 1, 3] { try read(plane) }
        #expect(bench.source.count == 9)
        bench.learn(10, "2")
        for _ in 0..<2 {
            for plane in [1, 3] { try read(plane) }
            #expect(throws: VolumeError.self) { try read(0) }
        }
        #expect(bench.source.count == 9)
    }

    @Test func rowsOfTilesGoDownThePlanesThatThereAre() throws {
        let bench = try ImageBench()
        defer { bench.close() }
        let stack = try volume(bench).prefetchRows()
        #expect(stack.count == 6)
        #expect(stack.number(plane: 0, row: 63) == 0 && stack.number(plane: 1, row: 99) == 3)
        #expect(stack.number(plane: 2, row: 0) == nil && stack.number(plane: 3, row: 0) == 4)
        let plane = ImageVolume(
            .plane(try #require(Self.images[1])), of: 1, geometry: Self.geometry, planes: bench.planes,
            registry: bench.registry)
        let rows = plane.prefetchRows(before: Self.images[0], after: Self.images[3])
        #expect(rows.count == 6 && rows.number(plane: 0, row: 0) == 2)
        rows.prefetch(5, from: 1, token: CancellationToken()) { _ in }
        // Workers start the requests of a row, in any order.
        let requests = try (0..<2).map { try bench.source.call($0).request }
        #expect(requests.allSatisfy { $0.object.id == .image(13, of: 1) })
        #expect(Set(requests.map(\.part.index)) == [4, 5] && bench.source.count == 2)
    }
}

/// A plane reader over a scripted source that draws tiles.
final class ImageBench: Sendable {
    static let side = 64
    let registry: ObjectRegistry
    let planes: PlaneReader
    let source: ScriptedSource
    let fetcher: BlockFetcher
    private let workers: WorkerPool

    /// A rectangle of an image at a level: no two pixels that are near are alike.
    static func tile(_ image: Int, level: Int, left: Int, top: Int, width: Int, height: Int) -> [UInt8] {
        (0..<width * height).map { index in
            UInt8(truncatingIfNeeded: (left + index % width) * 5 + (top + index / width) * 3 + image * 40 + level * 17)
        }
    }

    /// - Parameter bits: of a pixel. The high byte of 16 is the low one with all bits turned round.
    init(bits: Int = 8) throws {
        source = ScriptedSource { call in
            guard case .tile(let tile) = call.request.part else { return }
            let pixels = ImageBench.tile(
                call.request.object.id.number, level: tile.level, left: tile.frame.x, top: tile.frame.y,
                width: tile.frame.width, height: tile.frame.height)
            call.reply(bits == 8 ? pixels : pixels.flatMap { [$0, ~$0] })
        }
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        workers = try WorkerPool(name: "worker", count: 2)
        registry = ObjectRegistry(source: source, records: ScriptedRecords(), workers: workers, logger: quiet)
        fetcher = BlockFetcher(
            store: MemoryBlockStore(), identity: "test", source: source, registry: registry, workers: workers,
            logger: quiet)
        planes = PlaneReader(fetcher: fetcher, memory: 8 << 20, timeout: 60, side: Self.side)
    }

    /// Ends everything. In `defer`, because the workers keep their threads otherwise.
    func close() {
        fetcher.shutDown()
        workers.shutdown()
    }

    func learn(_ image: Int, _ tag: String) { registry.learnChange(.image(image, of: 1), to: tag) }
}
