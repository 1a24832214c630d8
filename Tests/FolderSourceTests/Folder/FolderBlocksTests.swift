import Specimens
import Support
import TestTools
import Testing

@testable import FolderSource

/// Bytes and pixels of a folder.
@Suite struct FolderBlocksTests {
    @Test func aFileIsReadByExtents() throws {
        let folder = try TestFolder()
        let bytes = (0..<ObjectExtents.size * 2 + 777).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        try folder.write("a/a.swc", bytes)
        let bench = try FolderBench(folder)
        defer { bench.close() }
        let skeleton = try #require(try bench.objects("a").skeleton)
        let record = try bench.stat(skeleton)
        #expect(record.length == bytes.count && record.modified != nil)
        var read: [UInt8] = []
        for index in 0..<ObjectExtents.count(bytes.count) {
            let block = try bench.block(
                BlockRequest(object: skeleton, part: .extent(index, length: bytes.count), expected: record.validator))
            #expect(block.version == record.validator)
            #expect(
                try bench.source.blocks.codec.decode(block.bytes, .extent(index, length: bytes.count), of: skeleton)
                    == nil)
            read += block.bytes
        }
        #expect(read == bytes)
        #expect(
            kind {
                _ = try bench.block(
                    BlockRequest(object: skeleton, part: .extent(0, length: bytes.count + 1), expected: nil))
            } == .wrongLength)
        #expect(
            bench.source.blocks.requestCount == 4 && bench.source.blocks.address(of: skeleton) == folder.full("a/a.swc")
        )
    }

    /// The mean of 2 x 2, written down again and slowly.
    private func halved(_ pixels: [Int], _ width: Int, _ height: Int) -> ([Int], Int, Int) {
        let (half, low) = ((width + 1) / 2, (height + 1) / 2)
        var result: [Int] = []
        for y in 0..<low {
            for x in 0..<half {
                let values = [(2 * x, 2 * y), (2 * x + 1, 2 * y), (2 * x, 2 * y + 1), (2 * x + 1, 2 * y + 1)]
                    .filter { $0.0 < width && $0.1 < height }.map { pixels[$0.1 * width + $0.0] }
                result.append(Int((Double(values.reduce(0, +)) / Double(values.count) + 0.5).rounded(.down)))
            }
        }
        return (result, half, low)
    }

    @Test(arguments: [8, 16], [0, 1, 2, 3]) func aTileOfALevelIsTheMeanOfWhatItCovers(_ bits: Int, _ level: Int) throws
    {
        let folder = try TestFolder()
        let planes = try folder.tiff("a/a.tif", width: 101, height: 75, bits: bits)
        let bench = try FolderBench(folder)
        defer { bench.close() }
        var (pixels, width, height) = (
            bits == 8
                ? planes[1].map(Int.init)
                : stride(from: 0, to: planes[1].count, by: 2).map { Int(planes[1][$0]) | Int(planes[1][$0 + 1]) << 8 },
            101, 75
        )
        for _ in 0..<level { (pixels, width, height) = halved(pixels, width, height) }
        // Tiles of 16 px, also those of the edges, and the whole.
        for (left, top, side) in [(0, 0, 16), (width / 16 * 16, height / 16 * 16, 16), (0, 0, 512)] {
            let frame = SourceObject.Frame(
                x: left, y: top, width: min(side, width - left), height: min(side, height - top))
            guard frame.width > 0, frame.height > 0 else { continue }
            let request = try bench.request("a", plane: 1, frame, level: level)
            let bytes = try bench.block(request).bytes
            let decoded = try #require(try bench.source.blocks.codec.decode(bytes, request.part, of: request.object))
            let found =
                bits == 8
                ? decoded.map(Int.init)
                : stride(from: 0, to: decoded.count, by: 2).map { Int(decoded[$0]) | Int(decoded[$0 + 1]) << 8 }
            let wanted = (top..<top + frame.height).flatMap { y in
                (left..<left + frame.width).map { x in pixels[y * width + x] }
            }
            #expect(found == wanted, "\(frame)")
        }
    }

    @Test func extremeMeansAreExact() {
        func mean(_ values: [Int]) -> Int {
            var pixels = HalvedPixels(
                values.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }, width: 2, height: 2, bits: 16)
            pixels.halve()
            return Int(pixels.bytes[0]) | Int(pixels.bytes[1]) << 8
        }
        #expect(mean([65535, 65535, 65535, 65535]) == 65535 && mean([0, 0, 0, 2]) == 1 && mean([0, 0, 0, 1]) == 0)
        #expect(mean([65535, 65534, 65534, 65533]) == 65534 && mean([255, 256, 255, 256]) == 256)
    }

    @Test func levelsEndWhereATileNeedsTooMuch() throws {
        func stack(_ width: Int, _ height: Int, _ bits: Int) throws -> ImageStack {
            try #require(
                ImageStack(
                    planes: [
                        PlaneImage(
                            imageID: 0, sectionNumber: 0, x: 0, y: 0, width: width, height: height, frameWidth: width,
                            frameHeight: height, xSpacing: 1, ySpacing: 1, bits: bits)
                    ], zSpacing: 1))
        }
        #expect(FolderBlocks.largestLevel(of: try stack(65535, 65535, 8)) == 4)
        #expect(FolderBlocks.largestLevel(of: try stack(65535, 65535, 16)) == 3)
        #expect(FolderBlocks.largestLevel(of: try stack(65535, 1024, 8)) == 16)
        #expect(FolderBlocks.largestLevel(of: try stack(8000, 8000, 8)) == 16)
        let folder = try TestFolder()
        try folder.tiff("a/a.tif", pages: 1, width: 9000, height: 8000)
        let bench = try FolderBench(folder)
        defer { bench.close() }
        #expect(try bench.objects("a").largestLevel == 4)
        let frame = SourceObject.Frame(x: 0, y: 0, width: 282, height: 250)
        #expect(kind { _ = try bench.block(try bench.request("a", plane: 0, frame, level: 5)) } == .failed)
    }

    @Test func aDamagedImageFailsWithOneLineInTheLog() throws {
        let folder = try TestFolder()
        try folder.tiff("a/a.tif", pages: 1)
        var bytes = try readWholeFile(folder.full("a/a.tif"))
        // Its strips lie behind the header: the directory, which follows them, says that they end after the file.
        let bench = try FolderBench(folder)
        defer { bench.close() }
        let request = try bench.request("a", plane: 0, SourceObject.Frame(x: 0, y: 0, width: 45, height: 37))
        let end = try #require(Self.offset(of: 279, in: bytes))
        for byte in end..<end + 4 { bytes[byte] = 0x7F }
        let offsets = try #require(Self.offset(of: 273, in: bytes))
        for byte in offsets..<offsets + 4 { bytes[byte] = 0x7F }
        try folder.write("a/a.tif", bytes)
        for _ in 0..<5 { #expect(kind { _ = try bench.block(request) } == .failed) }
        #expect(bench.log.messages(.warning).count == 1)
        try folder.write("a/a.tif", Array(bytes.prefix(20)))
        for _ in 0..<5 { #expect(kind { _ = try bench.block(request) } == .failed) }
        _ = try bench.rescan()
        #expect(try bench.objects("a").stack == nil && bench.objects("a").stack == nil)
        #expect(bench.log.messages(.warning).count <= 3)
    }

    /// Where the value of a tag stands in a little-endian TIFF of one page.
    private static func offset(of tag: Int, in bytes: [UInt8]) -> Int? {
        func number(_ place: Int, _ count: Int) -> Int {
            (0..<count).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
        }
        let directory = number(4, 4)
        return (0..<number(directory, 2)).map { directory + 2 + 12 * $0 }.first { number($0, 2) == tag }.map { $0 + 8 }
    }

    @Test func wrongBlocksAreFoundOut() throws {
        let codec = FolderCodec()
        let object = SourceObject(id: .image(0, of: 1), frame: SourceObject.Frame(x: 0, y: 0, width: 4, height: 2))
        let tile = BlockPart.tile(
            BlockPart.Tile(index: 0, level: 0, side: 512, frame: SourceObject.Frame(x: 0, y: 0, width: 4, height: 2)))
        #expect(try codec.decode([UInt8](repeating: 1, count: 8), tile, of: object)?.count == 8)
        for count in [0, 7, 9, 16] {
            #expect(throws: BlockFault.self) { try codec.decode([UInt8](repeating: 1, count: count), tile, of: object) }
        }
        #expect(throws: BlockFault.self) { try codec.decode([1, 2], .extent(0, length: 3), of: object) }
        #expect(throws: BlockFault.self) { try codec.decode([1, 2], .picture(length: 2), of: object) }
    }
}
