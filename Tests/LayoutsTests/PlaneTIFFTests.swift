import Layouts
import TestTools
import Testing

let allenSpacing = ZYX(z: 0.28, y: 0.1144, x: 0.1144)

/// A repeatable plane or stack without symmetries, little endian.
func testPixels(count: Int, seed: UInt64) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(state >> 56)
    }
}

struct PlaneShape: Sendable, CustomTestStringConvertible {
    let width: Int
    let height: Int
    let bits: Int
    var testDescription: String { "\(width) x \(height) x \(bits) bit" }
    var byteCount: Int { width * height * bits / 8 }

    static let small: [PlaneShape] = [8, 16].flatMap { bits in
        [
            (1, 1), (1, 64), (1, 65), (1, 1000), (1000, 1), (5, 63), (5, 64), (5, 65), (130, 128), (131, 200),
            (3, 31_200),
        ]
        .map { PlaneShape(width: $0.0, height: $0.1, bits: bits) }
    }
    static let huge = [
        PlaneShape(width: 29_692, height: 26_074, bits: 8), PlaneShape(width: 29_692, height: 26_074, bits: 16),
        PlaneShape(width: 65_000, height: 65_000, bits: 8), PlaneShape(width: 255, height: 1 << 24, bits: 8),
    ]
}

@Suite struct PlaneTIFFTests {
    static let description = "Specimen 328933585 \"quoted\", plane 138"

    func plane(_ shape: PlaneShape, _ description: String?) throws -> PlaneTIFF {
        try PlaneTIFF(
            width: shape.width, height: shape.height, bitsPerSample: shape.bits, spacing: allenSpacing,
            description: description)
    }

    @Test(arguments: PlaneShape.small + PlaneShape.huge, [nil, description])
    func headerSaysWhereThePixelsAre(_ shape: PlaneShape, _ description: String?) throws {
        let plane = try plane(shape, description)
        #expect(plane.headerSize % 4096 == 0)
        #expect(plane.fileSize == plane.headerSize + shape.byteCount)
        let walker = try TIFFWalker { Array(plane.header[$0]) }
        #expect(!walker.isBig && !walker.hasOverlap)
        let directory = try #require(walker.directories.first)
        #expect(walker.directories.count == 1)
        #expect(walker.extents.allSatisfy { $0.upperBound <= plane.headerSize })
        let expected = expectedScalars(
            width: shape.width, height: shape.height, bits: shape.bits, resolution: [12_500_000, 143])
        for (tag, values) in expected { #expect(directory[tag]?.values == values, "tag \(tag)") }
        #expect(directory[305]?.text == "NeuronFS")
        #expect(directory[270]?.text == description)
        let others: Set = description == nil ? [273, 279, 305] : [270, 273, 279, 305]
        #expect(Set(directory.keys) == Set(expected.keys).union(others))

        let offsets = try #require(directory[273]).values, counts = try #require(directory[279]).values
        var position = UInt64(plane.headerSize)
        for (offset, count) in zip(offsets, counts) {
            try #require(offset == position)
            position += count
        }
        #expect(offsets.count == counts.count && offsets.count == (shape.height + 63) / 64)
        #expect(position == UInt64(plane.fileSize))
        let strip = UInt64(64 * shape.width * shape.bits / 8)
        #expect(counts.dropLast().allSatisfy { $0 == strip } && counts.allSatisfy { $0 > 0 && $0 <= strip })
    }

    @Test(arguments: PlaneShape.small)
    func libtiffReadsTheSamePixels(_ shape: PlaneShape) throws {
        let plane = try plane(shape, Self.description)
        let pixels = testPixels(count: shape.byteCount, seed: 1)
        let file = try TemporaryFile(plane.header + pixels)
        let read = try LibTIFF(path: file.path)
        #expect(read.complaints == 0)
        let page = try #require(read.pages.first)
        #expect(read.pages.count == 1)
        #expect(page.width == UInt32(shape.width) && page.height == UInt32(shape.height))
        #expect(page.bitsPerSample == UInt16(shape.bits) && page.samplesPerPixel == 1 && page.sampleFormat == 1)
        #expect(page.compression == 1 && page.photometric == 1 && page.resolutionUnit == 3)
        #expect(page.rowsPerStrip == UInt32(min(64, shape.height)))
        #expect(page.xResolution == Float(10_000 / 0.1144) && page.yResolution == page.xResolution)
        #expect(page.software == "NeuronFS" && page.description == Self.description)
        #expect(page.stripOffsets.first == UInt64(plane.headerSize))
        #expect(page.stripByteCounts.reduce(0, +) == UInt64(shape.byteCount))
        #expect(page.pixels == pixels)
    }

    @Test func oneHeaderPageHoldsTheTablesOfRealPlanes() throws {
        // The tallest plane has 26,074 rows: 408 strips of 8 bytes of table each.
        #expect(try plane(PlaneShape(width: 29_692, height: 26_074, bits: 8), nil).headerSize == 4096)
        #expect(try plane(PlaneShape(width: 9, height: 486 * 64, bits: 8), nil).headerSize == 4096)
        #expect(try plane(PlaneShape(width: 9, height: 487 * 64, bits: 8), nil).headerSize == 8192)
    }

    @Test func largestClassicFile() throws {
        // 2^32 - 2^16 bytes of pixels and 3 pages of header fit below 2^32; one pixel column more does not.
        #expect(try plane(PlaneShape(width: 65_536, height: 65_535, bits: 8), nil).fileSize == 4_294_901_760 + 12_288)
        #expect(throws: TIFFLayoutError.tooLarge(limit: 4_294_967_295)) {
            try plane(PlaneShape(width: 65_537, height: 65_535, bits: 8), nil)
        }
        #expect(throws: TIFFLayoutError.tooLarge(limit: 4_294_967_295)) {
            try plane(PlaneShape(width: 65_536, height: 65_535, bits: 16), nil)
        }
    }

    @Test func refusals() {
        for (width, height) in [(0, 5), (5, 0), (-1, 5), ((1 << 24) + 1, 1)] {
            #expect(throws: TIFFLayoutError.invalidShape(width: width, height: height, depth: 1)) {
                try plane(PlaneShape(width: width, height: height, bits: 8), nil)
            }
        }
        #expect(throws: TIFFLayoutError.unsupportedBitsPerSample(32)) {
            try plane(PlaneShape(width: 1, height: 1, bits: 32), nil)
        }
        for text in ["\u{3bc}m", "a\0b"] {
            #expect(throws: TIFFLayoutError.invalidDescription) {
                try plane(PlaneShape(width: 1, height: 1, bits: 8), text)
            }
        }
        for value in [0, -0.1144, .nan, .infinity, 1e-7, 1e300] {
            let spacing = ZYX(z: 1, y: value, x: 1)
            #expect(throws: TIFFLayoutError.self) {
                try PlaneTIFF(width: 1, height: 1, bitsPerSample: 8, spacing: spacing)
            }
        }
    }

    /// Spacings of four decimals have an exact resolution, n / 10^4 um giving 10^8 / n pixels a centimetre in lowest
    /// terms; here by Euclid's algorithm on integers.
    @Test func decimalSpacingsAreExact() throws {
        func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
        var numerators = Array(1...300)
        numerators += [1144, 1143, 2288, 4576, 9152, 2800, 3500, 9999, 10_000, 10_007, 65_432, 123_457]
        for n in numerators {
            let spacing = ZYX(z: 1, y: 1, x: Double(n) / 1e4)
            let plane = try PlaneTIFF(width: 1, height: 1, bitsPerSample: 8, spacing: spacing)
            let directory = try TIFFWalker { Array(plane.header[$0]) }.directories[0]
            let common = divisor(100_000_000, n)
            #expect(directory[282]?.values == [UInt64(100_000_000 / common), UInt64(n / common)], "\(n)")
            #expect(directory[283]?.values == [10_000, 1])
        }
    }

    /// Spacings without a short fraction come as near as 32 bits allow: a convergent p/q is within 1/q^2.
    @Test(arguments: [Double.pi, 0.1 * 2.0.squareRoot(), 1e-5 * 3.0.squareRoot(), 1e4 * 7.0.squareRoot(), 4e13 / 7])
    func otherSpacingsAreNear(_ spacing: Double) throws {
        let plane = try PlaneTIFF(
            width: 1, height: 1, bitsPerSample: 8, spacing: ZYX(z: 1, y: spacing, x: spacing))
        let values = try #require(try TIFFWalker { Array(plane.header[$0]) }.directories[0][282]).values
        let (numerator, denominator) = (Double(values[0]), Double(values[1]))
        let error = abs(numerator / denominator - 1e4 / spacing)
        #expect(error <= max(1 / (denominator * denominator), 1e4 / spacing * 0x1p-50))
    }
}
