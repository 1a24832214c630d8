import Specimens

/// How the pixels of a page are divided.
///
/// A **segment** is what the file calls a strip or a tile. A **patch** is what is read, decoded and kept at once: a tile,
/// or a band of rows. Bands have about ``bandSize`` bytes. Several small strips make one band, because a strip may have
/// one row. A large strip without compression is cut into bands, because ImageJ writes a whole plane as one strip.
struct TIFFGrid: Sendable {
    private enum Division: Sendable {
        /// Strips of `rows`; bands of `bandRows`, that begin anew with each run of `period` rows.
        case strips(rows: Int, bandRows: Int, period: Int)
        case tiles(width: Int, height: Int)
    }

    /// The most segments of a page, so that their positions take 16 MiB.
    static let mostSegments = 1 << 20
    /// The most bytes of a patch, decoded: the largest allocation for one.
    static let largestPatch = 256 << 20
    /// The most bytes of all patches that one read may need.
    static let largestRead = 2 * largestPatch
    /// Bytes of a band, about: 1 ms of decoding, and half as much as the tile that a reader wants.
    static let bandSize = 256 << 10

    let width: Int
    let height: Int
    let bytesPerSample: Int
    private let division: Division

    /// - Throws: ``TIFFFault`` where the numbers cannot be.
    init(
        _ directory: TIFFDirectory, isTiled: Bool, width: Int, height: Int, bytesPerSample: Int, isCompressed: Bool
    ) throws(TIFFFault) {
        self.width = width
        self.height = height
        self.bytesPerSample = bytesPerSample
        let largest: Int
        if isTiled {
            let tileWidth = try directory.number(.tileWidth, absent: 0)
            let tileHeight = try directory.number(.tileHeight, absent: 0)
            // TIFF 6.0 asks for multiples of 16. That also bounds the number of tiles that a read needs.
            guard Self.isTileSide(tileWidth), Self.isTileSide(tileHeight) else {
                throw TIFFFault("tiles of \(tileWidth) x \(tileHeight) px, where sides must be multiples of 16")
            }
            division = .tiles(width: tileWidth, height: tileHeight)
            largest = tileWidth * tileHeight * bytesPerSample
        } else {
            let rows = min(height, try directory.number(.rowsPerStrip, absent: height))
            guard rows > 0 else { throw TIFFFault("strips of 0 rows") }
            let rowSize = width * bytesPerSample
            let bandRows = max(1, Self.bandSize / rowSize)
            if isCompressed || rows < bandRows {
                let stripRows = max(1, bandRows / rows) * rows
                division = .strips(rows: rows, bandRows: stripRows, period: stripRows)
                largest = min(stripRows, height) * rowSize
            } else {
                division = .strips(rows: rows, bandRows: bandRows, period: rows)
                largest = bandRows * rowSize
            }
        }
        guard largest <= Self.largestPatch else {
            throw TIFFFault("a strip or tile of \(largest) bytes, above the limit of \(Self.largestPatch)")
        }
    }

    private static func isTileSide(_ side: Int) -> Bool {
        (16...TIFFPage.longestSide).contains(side) && side % 16 == 0
    }

    /// Number of strips or tiles.
    var segmentCount: Int {
        switch division {
        case .strips(let rows, _, _): Self.quotient(height, rows)
        case .tiles(let tileWidth, let tileHeight):
            Self.quotient(width, tileWidth) * Self.quotient(height, tileHeight)
        }
    }

    /// Whether the page is one strip: all its pixels follow each other where it is not compressed.
    var isOneStrip: Bool {
        if case .strips(let rows, _, _) = division { rows == height } else { false }
    }

    /// The patches that have pixels of `frame`, which lies in the page.
    ///
    /// - Throws: ``TIFFFault`` where they are larger than ``largestRead``.
    func patches(touching frame: SourceObject.Frame) throws(TIFFFault) -> [TIFFPatch] {
        var patches: [TIFFPatch] = []
        var size = 0
        var y = frame.y
        while y < frame.y + frame.height {
            var x = frame.x
            while x < frame.x + frame.width {
                let patch = patch(x: x, y: y)
                size += patch.size
                guard size <= Self.largestRead else {
                    throw TIFFFault("a read of more than \(Self.largestRead) bytes")
                }
                patches.append(patch)
                x = patch.frame.x + patch.frame.width
            }
            y = patches.last.map { $0.frame.y + $0.frame.height } ?? .max
        }
        return patches
    }

    /// The patch that has a pixel.
    private func patch(x: Int, y: Int) -> TIFFPatch {
        switch division {
        case .tiles(let tileWidth, let tileHeight):
            let (column, row) = (x / tileWidth, y / tileHeight)
            return TIFFPatch(
                frame: SourceObject.Frame(
                    x: column * tileWidth, y: row * tileHeight, width: tileWidth, height: tileHeight),
                bytesPerSample: bytesPerSample, isTile: true,
                firstSegment: row * Self.quotient(width, tileWidth) + column, segmentRows: tileHeight, skippedRows: 0)
        case .strips(let rows, let bandRows, let period):
            let run = y / period * period
            let start = run + (y - run) / bandRows * bandRows
            let end = min(start + bandRows, run + period, height)
            return TIFFPatch(
                frame: SourceObject.Frame(x: 0, y: start, width: width, height: end - start),
                bytesPerSample: bytesPerSample, isTile: false, firstSegment: start / rows, segmentRows: rows,
                skippedRows: start % rows)
        }
    }

    private static func quotient(_ whole: Int, _ part: Int) -> Int { (whole + part - 1) / part }
}
