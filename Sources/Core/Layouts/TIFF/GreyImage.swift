/// What every layout knows of its images: shape, depth of a sample, and the fields that follow from them.
struct GreyImage: Sendable {
    /// Rows of a strip. 64 rows of a real plane are 0.6 to 1.9 MB: whole-plane readers hold one strip at a time and not
    /// a plane (OpenCV needs 195 MB instead of 574 for 10,000 x 10,000), and the strip tables stay short.
    static let rowsPerStrip = 64
    /// Pixels begin at a multiple of this, the page size, so that a mapping of the pixels shares no page with the header
    /// and reads of aligned blocks ask for aligned pixels.
    static let headerAlignment = 4096
    /// The longest side. With it a strip of 16-bit samples has at most 2^31 bytes, so that every strip's length fits a
    /// 32-bit field and a reader's buffer; the widest known plane has 29,692 pixels.
    static let longestSide = 1 << 24

    let width: Int
    let height: Int
    let bitsPerSample: Int
    let xResolution: TIFFRational
    let yResolution: TIFFRational
    let bytesPerRow: Int
    /// Bytes of one plane, row-major without padding.
    let planeSize: Int

    init(
        width: Int, height: Int, depth: Int, bitsPerSample: Int, spacing: ZYX<Double>, description: String?
    ) throws(TIFFLayoutError) {
        let sides = 1...Self.longestSide
        guard sides.contains(width), sides.contains(height), sides.contains(depth) else {
            throw .invalidShape(width: width, height: height, depth: depth)
        }
        guard bitsPerSample == 8 || bitsPerSample == 16 else { throw .unsupportedBitsPerSample(bitsPerSample) }
        guard let xResolution = TIFFRational(pixelsPerCentimetreAt: spacing.x),
            let yResolution = TIFFRational(pixelsPerCentimetreAt: spacing.y), spacing.z > 0, spacing.z.isFinite
        else { throw .invalidSpacing(spacing) }
        if let description, description.utf8.contains(where: { $0 == 0 || $0 >= 0x80 }) { throw .invalidDescription }
        self.width = width
        self.height = height
        self.bitsPerSample = bitsPerSample
        self.xResolution = xResolution
        self.yResolution = yResolution
        bytesPerRow = width * (bitsPerSample / 8)
        let (size, overflow) = bytesPerRow.multipliedReportingOverflow(by: height)
        guard !overflow else { throw .tooLarge(limit: .max) }
        planeSize = size
    }

    var stripCount: Int { (height + Self.rowsPerStrip - 1) / Self.rowsPerStrip }

    /// Uncompressed bytes of strip `index`; only the last may be short.
    func stripSize(_ index: Int) -> Int {
        min(Self.rowsPerStrip, height - index * Self.rowsPerStrip) * bytesPerRow
    }

    /// Every field but where the strips lie.
    var fields: [TIFFField] {
        [
            .long(.imageWidth, [width]),
            .long(.imageLength, [height]),
            .short(.bitsPerSample, bitsPerSample),
            // None.
            .short(.compression, 1),
            // BlackIsZero.
            .short(.photometricInterpretation, 1),
            .short(.samplesPerPixel, 1),
            .long(.rowsPerStrip, [Self.rowsPerStrip]),
            .rational(.xResolution, xResolution),
            .rational(.yResolution, yResolution),
            // Centimetre.
            .short(.resolutionUnit, 3),
            // Unsigned integer.
            .short(.sampleFormat, 1),
        ]
    }

    /// The fields that a file has once. There is no date among them: the same cell has the same bytes on every mount.
    static func fileFields(description: String?) -> [TIFFField] {
        let software = TIFFField.ascii(.software, "NeuronFS")
        guard let description else { return [software] }
        return [software, .ascii(.imageDescription, description)]
    }
}
