/// Why no TIFF can be laid out for an image.
package enum TIFFLayoutError: Error, Hashable, Sendable {
    /// A side or the depth is not within 1...2^24.
    case invalidShape(width: Int, height: Int, depth: Int)
    /// Only 8 and 16 bits a sample are laid out.
    case unsupportedBitsPerSample(Int)
    /// A spacing is not a positive number that a TIFF RATIONAL can express in pixels per centimetre.
    case invalidSpacing(ZYX<Double>)
    /// The description is not ASCII, or has a NUL: field type ASCII (TIFF 6.0, section 2) holds neither. Or it is that of
    /// a volume and has another control character than tab and line ends, which XML does not hold.
    case invalidDescription
    /// The file would be longer than `limit` bytes: 2^32 - 1 for classic TIFF, whose offsets have 32 bits, or 2^63 - 1.
    case tooLarge(limit: Int)
}
