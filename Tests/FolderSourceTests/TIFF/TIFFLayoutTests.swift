import Support
import TestTools
import Testing

@testable import FolderSource

@Suite struct TIFFLayoutTests {
    private static let compressions: [TIFFCompression] = [
        .none, .lzw, .jpeg, .deflate, .oldDeflate, .packBits, .lzma, .zstd,
    ]

    /// Every compression, with the predictors and fill orders that it has.
    private static var variants: [TIFFFixture] {
        compressions.flatMap { compression in
            [8, 16].flatMap { bits -> [TIFFFixture] in
                guard compression != .jpeg || bits == 8 else { return [] }
                var plain = TIFFFixture()
                (plain.bits, plain.compression) = (bits, compression)
                var differenced = plain
                differenced.predictor = 2
                var reversed = plain
                reversed.fillOrder = 2
                return [plain] + (compression.hasPredictor ? [differenced] : [])
                    + (compression == .jpeg ? [] : [reversed])
            }
        }
    }

    @Test func everyLayoutThatLibtiffWritesIsReadPixelForPixel() throws {
        let testing = try TIFFTesting()
        defer { testing.pool.shutdown() }
        var random = Seeded(11)
        for mode in ["l", "b", "l8", "b8"] {
            for tile in [nil, (width: 32, height: 16)] {
                for variant in Self.variants {
                    var fixture = variant
                    (fixture.mode, fixture.tile) = (mode, tile)
                    // JPEG has strips of multiples of 8 rows.
                    fixture.rowsPerStrip = fixture.compression == .jpeg ? 8 : 10
                    fixture.pages = [TIFFFixture.Page(), TIFFFixture.Page(width: 3, height: 70)]
                    fixture.paint()
                    let file = try testing.open(fixture.written())
                    #expect(file.pages.count == 2)
                    for (number, page) in fixture.pages.enumerated() {
                        #expect(file.pages[number].bitsPerSample == fixture.bits)
                        #expect(file.pages[number].compression == fixture.compression)
                        #expect(try file.plane(number) == page.pixels, "\(fixture), page \(number)")
                        for _ in 0..<4 {
                            let x = Int.random(in: 0..<page.width, using: &random)
                            let y = Int.random(in: 0..<page.height, using: &random)
                            let width = Int.random(in: 1...page.width - x, using: &random)
                            let height = Int.random(in: 1...page.height - y, using: &random)
                            #expect(
                                try file.rectangle(number, x, y, width, height)
                                    == page.rectangle(x, y, width, height, bits: fixture.bits),
                                "\(fixture), page \(number), \(width) x \(height) px at \(x), \(y)")
                        }
                    }
                }
            }
        }
    }

    @Test(arguments: [nil, (width: 16, height: 16)])
    func everyRectangleOfASmallPageIsRight(tile: (width: Int, height: Int)?) throws {
        let testing = try TIFFTesting()
        defer { testing.pool.shutdown() }
        var fixture = TIFFFixture()
        (fixture.bits, fixture.compression, fixture.rowsPerStrip, fixture.tile) = (16, .lzw, 4, tile)
        fixture.pages = [TIFFFixture.Page(width: 18, height: 17)]
        fixture.paint()
        let page = fixture.pages[0]
        let file = try testing.open(fixture.written())
        for y in 0..<page.height {
            for height in 1...page.height - y {
                for x in 0..<page.width {
                    for width in 1...page.width - x {
                        let isRight =
                            try file.rectangle(0, x, y, width, height)
                            == page.rectangle(x, y, width, height, bits: 16)
                        if !isRight { Issue.record("\(width) x \(height) px at \(x), \(y)") }
                    }
                }
            }
        }
    }

    /// Strips of one row, of several, and the whole plane; each with the pixels of several patches.
    @Test(arguments: [1, 7, 400], [TIFFCompression.none, .deflate])
    func aPlaneOfManyBandsIsRight(rowsPerStrip: Int, compression: TIFFCompression) throws {
        let testing = try TIFFTesting()
        defer { testing.pool.shutdown() }
        var fixture = TIFFFixture()
        (fixture.bits, fixture.compression, fixture.rowsPerStrip) = (16, compression, rowsPerStrip)
        fixture.pages = [TIFFFixture.Page(width: 1001, height: 400)]
        fixture.paint()
        let page = fixture.pages[0]
        let file = try testing.open(fixture.written())
        #expect(try file.plane(0) == page.pixels)
        for (x, y, width, height) in [(0, 399, 1001, 1), (1000, 0, 1, 400), (500, 129, 100, 3), (3, 131, 997, 200)] {
            #expect(
                try file.rectangle(0, x, y, width, height) == page.rectangle(x, y, width, height, bits: 16),
                "\(width) x \(height) px at \(x), \(y)")
        }
    }

    @Test(arguments: [8, 16]) func minIsWhiteIsInverted(bits: Int) throws {
        let testing = try TIFFTesting()
        defer { testing.pool.shutdown() }
        var fixture = TIFFFixture()
        (fixture.bits, fixture.photometric, fixture.compression) = (bits, 0, .packBits)
        fixture.paint()
        let file = try testing.open(fixture.written())
        #expect(try file.plane(0) == fixture.pages[0].pixels.map { ~$0 })
    }

    @Test func smallerCopiesAndMasksAreNoPages() throws {
        let testing = try TIFFTesting()
        defer { testing.pool.shutdown() }
        for (tag, value, isPage) in [(254, 1, false), (254, 4, false), (255, 2, false), (254, 2, true), (255, 1, true)]
        {
            var thumbnail = HandmadeTIFF()
            thumbnail.directories = 2
            thumbnail.fields[UInt16(tag)] = UInt32(value)
            // The first of both directories is a page in any case.
            var bytes = thumbnail.bytes
            let entry = try #require(
                (26..<bytes.count).first { bytes[$0] == UInt8(tag) && bytes[$0 + 1] == 0 && bytes[$0 + 2] == 4 })
            bytes[entry + 8] = 0
            #expect(try testing.open(bytes).pages.count == (isPage ? 2 : 1), "tag \(tag), value \(value)")
        }
    }

    @Test func theImagesThatImageJPutsBehindOneDirectoryArePages() throws {
        let testing = try TIFFTesting()
        defer { testing.pool.shutdown() }
        var fixture = TIFFFixture()
        (fixture.bits, fixture.mode, fixture.rowsPerStrip) = (16, "b", 70)
        // Three images of 20 x 10 px are written as one of 20 x 30.
        fixture.pages = [TIFFFixture.Page(width: 20, height: 30)]
        fixture.rowsPerStrip = 30
        fixture.texts = [270: "ImageJ=1.54f\nimages=3\nslices=3\n"]
        fixture.paint()
        var bytes = try fixture.written()
        let ifd = Int(bytes[7]) | Int(bytes[6]) << 8 | Int(bytes[5]) << 16
        for entry in stride(from: ifd + 2, to: ifd + 2 + Int(bytes[ifd + 1]) * 12, by: 12)
        where bytes[entry] == 1 && (bytes[entry + 1] == 1 || bytes[entry + 1] == 22) {
            // 257 is the height, 278 the rows of a strip; both SHORT.
            bytes[entry + 9] = 10
        }
        let file = try testing.open(bytes)
        #expect(file.pages.map(\.height) == [10, 10, 10])
        for number in 0..<3 {
            #expect(try file.plane(number) == fixture.pages[0].rectangle(0, number * 10, 20, 10, bits: 16))
        }
    }
}
