import CTIFF

/// The compressions that are read, with their numbers in TIFF.
package enum TIFFCompression: Int, Sendable {
    case none = 1
    case lzw = 5
    case jpeg = 7
    case deflate = 8
    case packBits = 32773
    /// Deflate under the number that it had before it was registered.
    case oldDeflate = 32946
    case lzma = 34925
    case zstd = 50000

    /// The compression with a number.
    ///
    /// - Throws: ``TIFFFault`` where it is not read: by any file, or by the libtiff of this machine.
    init(number: Int) throws(TIFFFault) {
        guard let compression = TIFFCompression(rawValue: number) else {
            switch number {
            case 2...4: throw TIFFFault("compression \(number), CCITT, is for pages of black and white")
            case 6: throw TIFFFault("compression 6, old-style JPEG, is not read; compression 7 is")
            default: throw TIFFFault("compression \(number) is not read")
            }
        }
        guard TIFFIsCODECConfigured(UInt16(compression.rawValue)) == 1 else {
            throw TIFFFault("compression \(number) is not part of this machine's libtiff")
        }
        self = compression
    }

    /// Whether tag 317, the predictor, applies. Elsewhere libtiff and other readers ignore it.
    var hasPredictor: Bool {
        switch self {
        case .lzw, .deflate, .oldDeflate, .lzma, .zstd: true
        case .none, .packBits, .jpeg: false
        }
    }

    /// The most bytes that one byte decodes to, so that a file of a few bytes causes no large allocation.
    ///
    /// PackBits: 128 from 2. Deflate: 1032, <https://zlib.net/zlib_tech.html>. LZW: the longest string of a table of 4096
    /// codes from 12 bits, 2,731. Zstd: a block of 128 KiB from 4, 32,768; LZMA and JPEG with arithmetic coding are assumed
    /// to stay below twice that.
    var mostExpansion: Int {
        switch self {
        case .none: 1
        case .packBits: 64
        case .deflate, .oldDeflate: 1032
        case .lzw: 2731
        case .jpeg, .lzma, .zstd: 65536
        }
    }
}
