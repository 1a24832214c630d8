import Testing
import VirtualTIFF

/// A plane of labels as pixels, and the runs found in them pixel by pixel.
struct LabelPlane: Sendable, CustomTestStringConvertible {
    let width: Int
    let height: Int
    let pixels: [UInt8]
    let testDescription: String

    /// - Parameter labels: Rectangles (columns, rows, value) painted in order onto zeros; clipped to the plane.
    init(_ width: Int, _ height: Int, _ name: String, _ labels: [(Range<Int>, Range<Int>, UInt8)] = []) {
        var pixels = [UInt8](repeating: 0, count: width * height)
        for (columns, rows, value) in labels {
            for row in rows.clamped(to: 0..<height) {
                for column in columns.clamped(to: 0..<width) { pixels[row * width + column] = value }
            }
        }
        (self.width, self.height, self.pixels) = (width, height, pixels)
        testDescription = "\(width) x \(height) \(name)"
    }

    init(_ width: Int, _ height: Int, noise: UInt64) {
        (self.width, self.height) = (width, height)
        pixels = testPixels(count: width * height, seed: noise).map { $0 % 3 }
        testDescription = "\(width) x \(height) noise"
    }

    func runs(_ row: Int) -> [PixelRun] {
        var runs: [PixelRun] = []
        for column in 0..<width {
            let value = pixels[row * width + column]
            guard value != 0 else { continue }
            if let last = runs.last, last.end == column, last.value == value {
                runs[runs.count - 1].end = column + 1
            } else {
                runs.append(PixelRun(start: column, end: column + 1, value: value))
            }
        }
        return runs
    }

    func layout() throws -> PackBitsPlane {
        try PackBitsPlane(width: width, height: height, spacing: allenSpacing, runs: runs)
    }

    static let all: [LabelPlane] =
        [127, 128, 129, 256, 257].map { LabelPlane($0, 130, "with full rows", [(0..<$0, 70..<72, 4)]) } + [
            LabelPlane(1, 1, "empty"), LabelPlane(1, 1, "labelled", [(0..<1, 0..<1, 255)]),
            LabelPlane(300, 200, "empty"), LabelPlane(300, 40, "empty, short"), LabelPlane(129, 64, "empty"),
            LabelPlane(300, 129, "only the last strip empty", [(7..<9, 3..<5, 1), (280..<300, 100..<128, 2)]),
            LabelPlane(300, 129, "only the last strip labelled", [(0..<300, 128..<129, 3)]),
            LabelPlane(
                300, 500, "some strips", [(10..<200, 70..<75, 1), (150..<151, 72..<400, 2), (151..<160, 73..<74, 3)]),
            LabelPlane(131, 200, noise: 7), LabelPlane(2, 300, noise: 8),
        ]
}

/// Decodes PackBits as TIFF 6.0, section 9 describes it.
func unpack(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    var iterator = bytes.makeIterator()
    while let control = iterator.next() {
        let n = Int(Int8(bitPattern: control))
        if n >= 0 {
            for _ in 0...n { result.append(iterator.next() ?? 0) }
        } else if n != -128, let value = iterator.next() {
            result.append(contentsOf: repeatElement(value, count: 1 - n))
        }
    }
    return result
}

@Suite struct PackBitsPlaneTests {
    @Test(arguments: LabelPlane.all)
    func stripsDecodeToThePlane(_ plane: LabelPlane) throws {
        let layout = try plane.layout()
        let file = layout.bytes(0..<Int.max, runs: plane.runs)
        #expect(file.count == layout.fileSize && layout.headerSize % 4096 == 0)
        let walker = try TIFFWalker { Array(file[$0]) }
        let directory = try #require(walker.directories.first)
        #expect(walker.directories.count == 1 && !walker.isBig && !walker.hasOverlap)
        let expected = expectedScalars(
            width: plane.width, height: plane.height, bits: 8, resolution: [12_500_000, 143], compression: 32_773)
        for (tag, values) in expected { #expect(directory[tag]?.values == values, "tag \(tag)") }
        let offsets = try #require(directory[273]).values.map { Int($0) }
        let counts = try #require(directory[279]).values.map { Int($0) }
        try #require(offsets.count == (plane.height + 63) / 64 && offsets.count == counts.count)
        var decoded: [UInt8] = []
        var used = Set<Int>()
        for (offset, count) in zip(offsets, counts) {
            try #require(offset >= layout.headerSize && offset + count <= file.count)
            decoded += unpack(file[offset..<(offset + count)])
            used.formUnion(offset..<(offset + count))
        }
        #expect(decoded == plane.pixels)
        // No byte between the header and the end is in vain.
        #expect(used == Set(layout.headerSize..<file.count))
        let emptyStrips = Swift.zip(0..., offsets).filter { strip, _ in
            plane.pixels[(strip * 64 * plane.width)..<min(plane.pixels.count, (strip + 1) * 64 * plane.width)]
                .allSatisfy { $0 == 0 }
        }
        #expect(emptyStrips.allSatisfy { $0.1 == layout.headerSize })
    }

    @Test(arguments: LabelPlane.all)
    func libtiffReadsTheSamePixels(_ plane: LabelPlane) throws {
        let layout = try plane.layout()
        let file = try TemporaryFile(layout.bytes(0..<layout.fileSize, runs: plane.runs))
        let read = try LibTIFF(path: file.path)
        #expect(read.complaints == 0 && read.pages.count == 1)
        #expect(read.pages.first?.pixels == plane.pixels && read.pages.first?.compression == 32_773)
    }

    @Test(arguments: LabelPlane.all)
    func partsAreThoseOfTheWhole(_ plane: LabelPlane) throws {
        let layout = try plane.layout()
        let file = layout.bytes(0..<layout.fileSize, runs: plane.runs)
        for _ in 0..<60 {
            let start = Int.random(in: (layout.headerSize - 100)...(file.count + 10))
            let end = start + Int.random(in: 0...2000)
            #expect(
                layout.bytes(start..<end, runs: plane.runs)
                    == Array(file[min(start, file.count)..<min(end, file.count)]), "\(start)..<\(end)")
        }
    }

    @Test func sizesInClosedForm() throws {
        // An empty plane is a header page and one strip: 64 rows of 79 pairs of bytes.
        let empty = try PackBitsPlane(width: 10_000, height: 10_000, spacing: allenSpacing) { _ in [] }
        #expect(empty.fileSize == 4096 + 64 * 2 * 79)
        // One run of 300 pixels at column 1000 makes three stretches: 8 + 3 + 68 pairs. Its strip is a second one.
        let one = try PackBitsPlane(width: 10_000, height: 10_000, spacing: allenSpacing) { row in
            row == 5000 ? [PixelRun(start: 1000, end: 1300, value: 2)] : []
        }
        #expect(one.fileSize == empty.fileSize + 63 * 2 * 79 + 2 * (8 + 3 + 68))
    }

    @Test(arguments: [
        [PixelRun(start: -1, end: 2, value: 1)], [PixelRun(start: 3, end: 3, value: 1)],
        [PixelRun(start: 90, end: 101, value: 1)],
        [PixelRun(start: 5, end: 9, value: 1), PixelRun(start: 8, end: 12, value: 2)],
    ])
    func badRunsAreRefused(_ runs: [PixelRun]) throws {
        let bad = try #require(runs.last)
        #expect(throws: TIFFLayoutError.invalidRun(row: 17, start: bad.start, end: bad.end)) {
            try PackBitsPlane(width: 100, height: 40, spacing: allenSpacing) { $0 == 17 ? runs : [] }
        }
    }
}
