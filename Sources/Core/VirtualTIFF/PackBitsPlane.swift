/// The layout of one plane of 8-bit labels as a small file: a classic TIFF of PackBits strips, of which all empty ones
/// are the same bytes.
///
/// The size of the file follows from the runs of the labels, so it is known before any pixel is made; a plane of
/// 10,000 x 10,000 with one neuron takes some 100 KB instead of 100 MB. Every reader tried opens it; it cannot be
/// memory-mapped, and a window costs its strips.
///
/// ```text
/// byte 0        "II" 42 8          as in PlaneTIFF, with Compression = 32773 (PackBits)
///      8        directory, values, zeros up to
/// P             zero strip         Z = 64 * 2 ceil(W / 128) bytes: 64 rows of zeros; left out if no strip is empty. An
///                                  empty last strip of h < 64 rows is its first h * 2 ceil(W / 128) bytes
/// P + Z         first strip with labels
///   ...         next strip with labels, and so on, in order without gaps
/// ```
///
/// A row's stretches of equal pixels, labelled or not, take `2 ceil(length / 128)` bytes each.
///
/// That several strips lie at one place is against TIFF 6.0, section 7, "No Duplicate Pointers", which grants that it
/// would be no problem for files that are only read, as these are. Leaving the strips out instead (offset 0) is worse:
/// Pillow then returns garbage without an error.
public struct PackBitsPlane: Sendable {
    /// Pixels of a row.
    public let width: Int
    /// Rows.
    public let height: Int
    /// Bytes of the file.
    public let fileSize: Int
    /// Bytes before the first strip, a multiple of 4096.
    public var headerSize: Int { header.count }

    private let header: [UInt8]
    private let zeroStripSize: Int
    /// The strips with labels in order, and where each begins in the file; one more at the end, the end of the file.
    private let labelledStrips: [Int]
    private let labelledOffsets: [Int]

    /// Lays out a plane.
    ///
    /// - Parameters:
    ///   - width: Pixels of a row, 1...2^24.
    ///   - height: Rows, 1...2^24.
    ///   - spacing: Distance of the pixels, um; x and y become the resolution fields.
    ///   - description: ImageDescription, ASCII; see `PlaneTIFF`.
    ///   - runs: The labelled stretches of a row, ascending and not overlapping; pixels outside are 0. Called once for
    ///     each row.
    /// - Throws: `TIFFLayoutError` when the shape, spacing, description or a run is out of range, or the file would
    ///   exceed 2^32 - 1 bytes.
    public init(
        width: Int, height: Int, spacing: PixelSpacing, description: String? = nil, runs: (_ row: Int) -> [PixelRun]
    ) throws(TIFFLayoutError) {
        let image = try GreyImage(
            width: width, height: height, depth: 1, bitsPerSample: 8, spacing: spacing, description: description)
        let strips = 0..<image.stripCount
        var sizes: [Int] = []
        var labelled: [Bool] = []
        for strip in strips {
            var size = 0
            var isLabelled = false
            for row in Self.rows(ofStrip: strip, height: height) {
                let runs = runs(row)
                try Self.check(runs, row: row, width: width)
                size += PackBits.size(ofRow: runs, width: width)
                isLabelled = isLabelled || !runs.isEmpty
            }
            sizes.append(size)
            labelled.append(isLabelled)
        }
        // The longest of the empty strips: shorter than 64 rows only when the last one alone is empty.
        let zeroStripSize = strips.filter { !labelled[$0] }.map { sizes[$0] }.max() ?? 0

        func directory(firstStrip: Int) -> (TIFFDirectory, labelledOffsets: [Int]) {
            var position = firstStrip + zeroStripSize
            var offsets: [Int] = []
            var labelledOffsets: [Int] = []
            for strip in strips {
                offsets.append(labelled[strip] ? position : firstStrip)
                guard labelled[strip] else { continue }
                labelledOffsets.append(position)
                position += sizes[strip]
            }
            let fields =
                image.fields(compression: 32_773) + GreyImage.fileFields(description: description) + [
                    .long(.stripOffsets, offsets), .long(.stripByteCounts, sizes),
                ]
            return (TIFFDirectory(fields, flavour: .classic), labelledOffsets + [position])
        }
        let limit = Int(UInt32.max)
        let stripBytes = zeroStripSize + strips.reduce(0) { labelled[$1] ? $0 + sizes[$1] : $0 }
        guard stripBytes <= limit else { throw .tooLarge(limit: limit) }
        let headerSize = (8 + directory(firstStrip: 0).0.size).rounded(upTo: GreyImage.headerAlignment)
        guard headerSize <= limit - stripBytes else { throw .tooLarge(limit: limit) }
        let (finalDirectory, labelledOffsets) = directory(firstStrip: headerSize)

        self.width = width
        self.height = height
        self.zeroStripSize = zeroStripSize
        self.labelledOffsets = labelledOffsets
        header = PlaneTIFF.header(finalDirectory)
        labelledStrips = strips.filter { labelled[$0] }
        fileSize = headerSize + stripBytes
    }

    /// A part of the file.
    ///
    /// - Parameters:
    ///   - range: Bytes from the start of the file; what exceeds its end is left out.
    ///   - runs: The same runs that the plane was laid out for, or the call ends the process: other runs would give
    ///     other strips than the header says. Called for the rows of the strips in `range`.
    public func bytes(_ range: Range<Int>, runs: (_ row: Int) -> [PixelRun]) -> [UInt8] {
        let range = range.clamped(to: 0..<fileSize)
        guard !range.isEmpty else { return [] }
        var bytes = Array(header[range.clamped(to: 0..<headerSize)])
        bytes.reserveCapacity(range.count)
        let zeros = range.clamped(to: headerSize..<(headerSize + zeroStripSize))
        if !zeros.isEmpty {
            var row: [UInt8] = []
            PackBits.append(row: [], width: width, to: &row)
            bytes.append(contentsOf: zeros.map { row[($0 - headerSize) % row.count] })
        }
        var index = firstLabelledStrip(endingAfter: range.lowerBound)
        while index < labelledStrips.count, labelledOffsets[index] < range.upperBound {
            let start = labelledOffsets[index]
            let strip = encoded(strip: labelledStrips[index], runs)
            precondition(strip.count == labelledOffsets[index + 1] - start, "the runs have changed since the layout")
            let wanted = range.clamped(to: start..<labelledOffsets[index + 1])
            bytes.append(contentsOf: strip[(wanted.lowerBound - start)..<(wanted.upperBound - start)])
            index += 1
        }
        return bytes
    }

    private static func rows(ofStrip strip: Int, height: Int) -> Range<Int> {
        (strip * GreyImage.rowsPerStrip)..<min(height, (strip + 1) * GreyImage.rowsPerStrip)
    }

    private static func check(_ runs: [PixelRun], row: Int, width: Int) throws(TIFFLayoutError) {
        var column = 0
        for run in runs {
            guard run.start >= column, run.end > run.start, run.end <= width else {
                throw .invalidRun(row: row, start: run.start, end: run.end)
            }
            column = run.end
        }
    }

    private func encoded(strip: Int, _ runs: (Int) -> [PixelRun]) -> [UInt8] {
        var bytes: [UInt8] = []
        for row in Self.rows(ofStrip: strip, height: height) {
            PackBits.append(row: runs(row), width: width, to: &bytes)
        }
        return bytes
    }

    /// The first place in `labelledStrips` of a strip with a byte at or behind `position`; bisection.
    private func firstLabelledStrip(endingAfter position: Int) -> Int {
        var (low, high) = (0, labelledStrips.count)
        while low < high {
            let middle = (low + high) / 2
            if labelledOffsets[middle + 1] > position { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
