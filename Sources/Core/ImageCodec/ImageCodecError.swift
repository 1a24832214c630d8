/// Why a picture could not be decoded or encoded.
package enum ImageCodecError: Error, Equatable, CustomStringConvertible {
    /// The bytes are no JPEG, or its headers are truncated or contradict each other.
    case notJPEG(reason: String)
    /// A JPEG of a kind this codec does not read, such as 12 bits a sample.
    case unsupported(reason: String)
    /// The picture is a valid JPEG, but not of the expected size (in px).
    case unexpectedSize(width: Int, height: Int, expectedWidth: Int, expectedHeight: Int)
    /// The headers are valid, but the picture is corrupt or truncated. `reason` is libjpeg's message.
    case damaged(reason: String)
    /// A width, height, quality or pixel count that cannot be encoded, or more pixels than `JPEG.maximumPixels`.
    case invalidArgument(reason: String)
    /// libjpeg or zlib could not encode, for lack of memory.
    case encoderFailed(reason: String)

    /// One sentence for a log.
    package var description: String {
        switch self {
        case .notJPEG(let reason): "not a JPEG: \(reason)"
        case .unsupported(let reason): "unsupported JPEG: \(reason)"
        case .unexpectedSize(let width, let height, let expectedWidth, let expectedHeight):
            "the JPEG is \(width) x \(height) px, not \(expectedWidth) x \(expectedHeight)"
        case .damaged(let reason): "damaged JPEG: \(reason)"
        case .invalidArgument(let reason): "cannot encode or decode: \(reason)"
        case .encoderFailed(let reason): "the encoder failed: \(reason)"
        }
    }
}
