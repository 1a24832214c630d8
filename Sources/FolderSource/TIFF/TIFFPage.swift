import Specimens

/// A page of a TIFF: one grey plane of 8 or 16 bits a sample.
package struct TIFFPage: Sendable {
    /// px, 1 or more.
    package let width: Int
    /// px, 1 or more.
    package let height: Int
    /// 8 or 16; unsigned.
    package let bitsPerSample: Int
    /// How its strips or tiles are compressed.
    package let compression: TIFFCompression

    /// The strips or tiles.
    let grid: TIFFGrid
    /// Whether each row of a strip or tile is stored as differences (predictor 2).
    let isDifferenced: Bool
    /// Whether the lowest bit of each stored byte comes first (fill order 2).
    let isBitReversed: Bool
    /// Whether 0 is white (MinIsWhite), so that the pixels must be inverted.
    let isInverted: Bool
    let header: TIFFHeader
    /// Where each strip or tile begins.
    let offsets: TIFFField
    /// Bytes of each strip or tile. Uncompressed pages do not need it.
    let byteCounts: TIFFField?
    /// The JPEG tables that all strips or tiles share.
    let jpegTables: TIFFField?
    /// Bytes to add to every offset: 0, but for the further images of ``TIFFDescription/planes(of:fileLength:)``.
    var displacement = 0

    /// The largest side, px: a sum of an offset and of two sides times 2 bytes fits an `Int`.
    static let longestSide = 1 << 30

    /// The page of a directory.
    ///
    /// - Throws: ``TIFFFault`` for a page that is not read, and for numbers that cannot be.
    init(_ directory: TIFFDirectory) throws(TIFFFault) {
        header = directory.header
        width = try Self.side(directory, .width, "wide")
        height = try Self.side(directory, .height, "high")
        try Self.checkSamples(directory)
        bitsPerSample = try directory.number(.bitsPerSample, absent: 1)
        guard bitsPerSample == 8 || bitsPerSample == 16 else {
            throw TIFFFault("\(bitsPerSample) bits a sample are not read; 8 and 16 are")
        }
        compression = try TIFFCompression(number: try directory.number(.compression, absent: 1))
        guard compression != .jpeg || bitsPerSample == 8 else {
            throw TIFFFault("JPEG of 16 bits a sample is not read")
        }
        let predictor = compression.hasPredictor ? try directory.number(.predictor, absent: 1) : 1
        guard predictor == 1 || predictor == 2 else {
            throw TIFFFault("predictor \(predictor) is not read; 1 and 2 are")
        }
        isDifferenced = predictor == 2
        isBitReversed = try directory.number(.fillOrder, absent: 1) == 2
        // Without the tag, 0 is black, as in most files.
        isInverted = try directory.number(.photometric, absent: 1) == 0
        let isTiled = directory[.tileWidth] != nil
        grid = try TIFFGrid(
            directory, isTiled: isTiled, width: width, height: height, bytesPerSample: bitsPerSample / 8,
            isCompressed: compression != .none)
        guard let offsets = directory[isTiled ? .tileOffsets : .stripOffsets] else {
            throw TIFFFault("no tag says where the pixels are")
        }
        self.offsets = offsets
        byteCounts = directory[isTiled ? .tileByteCounts : .stripByteCounts]
        jpegTables = compression == .jpeg ? directory[.jpegTables] : nil
        try checkSegmentCount(byteCounts, isTiled)
    }

    /// Bytes of a sample, 1 or 2.
    var bytesPerSample: Int { bitsPerSample / 8 }

    /// Whether a rectangle has pixels, all of them in the page.
    func contains(_ frame: SourceObject.Frame) -> Bool {
        frame.x >= 0 && frame.y >= 0 && frame.width > 0 && frame.height > 0 && frame.width <= width
            && frame.height <= height && frame.x <= width - frame.width && frame.y <= height - frame.height
    }

    private static func side(_ directory: TIFFDirectory, _ tag: TIFFTag, _ word: String) throws(TIFFFault) -> Int {
        let side = try directory.number(tag, absent: 0)
        guard (1...longestSide).contains(side) else { throw TIFFFault("\(side) px \(word)") }
        return side
    }

    /// Refuses pages whose samples are no grey values. Their planar configuration says nothing: it is of several samples.
    private static func checkSamples(_ directory: TIFFDirectory) throws(TIFFFault) {
        switch try directory.number(.photometric, absent: 1) {
        case 0, 1: break
        case 2: throw TIFFFault("RGB is not read; grey is")
        case 3: throw TIFFFault("palette colours are not read; grey is")
        case let other: throw TIFFFault("photometric interpretation \(other) is not read; grey is")
        }
        let samples = try directory.number(.samplesPerPixel, absent: 1)
        guard samples == 1 else { throw TIFFFault("\(samples) samples a pixel are not read; 1 is") }
        // 4 is "undefined", which libtiff reads as unsigned too.
        let format = try directory.number(.sampleFormat, absent: 1)
        guard format == 1 || format == 4 else {
            throw TIFFFault("sample format \(format) is not read; 1, unsigned numbers, is")
        }
    }

    private func checkSegmentCount(_ byteCounts: TIFFField?, _ isTiled: Bool) throws(TIFFFault) {
        let word = isTiled ? "tiles" : "strips"
        guard grid.segmentCount <= TIFFGrid.mostSegments else {
            throw TIFFFault("\(grid.segmentCount) \(word) are more than \(TIFFGrid.mostSegments)")
        }
        guard offsets.count >= grid.segmentCount else {
            throw TIFFFault("\(grid.segmentCount) \(word) have \(offsets.count) offsets")
        }
        guard compression != .none else { return }
        guard let byteCounts else { throw TIFFFault("no tag says how long the \(word) are") }
        guard byteCounts.count >= grid.segmentCount else {
            throw TIFFFault("\(grid.segmentCount) \(word) have \(byteCounts.count) byte counts")
        }
    }
}
