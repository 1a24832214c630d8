import Specimens
import Support

/// The tags that are read. Numbers and meaning: TIFF 6.0; Adobe's technical notes for 317 and 347.
enum TIFFTag: UInt16 {
    case newSubfileType = 254
    case subfileType = 255
    case width = 256
    case height = 257
    case bitsPerSample = 258
    case compression = 259
    case photometric = 262
    case fillOrder = 266
    case description = 270
    case stripOffsets = 273
    case samplesPerPixel = 277
    case rowsPerStrip = 278
    case stripByteCounts = 279
    case xResolution = 282
    case yResolution = 283
    case planarConfiguration = 284
    case resolutionUnit = 296
    case predictor = 317
    case tileWidth = 322
    case tileHeight = 323
    case tileOffsets = 324
    case tileByteCounts = 325
    case sampleFormat = 339
    case jpegTables = 347
}

/// One entry of a directory: values of one type, in the entry itself or elsewhere in the file.
struct TIFFField: Sendable {
    private enum Values: Sendable {
        case inEntry([UInt8])
        case at(Int)
    }

    let type: UInt16
    /// Number of values.
    let count: Int
    private let values: Values

    /// Bytes of a value by type, 1...18 (TIFF 6.0 and BigTIFF); 0 for a type that neither names.
    private static let sizes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8]
    /// BYTE, SHORT, LONG, IFD, LONG8, IFD8.
    private static let unsignedTypes: Set<UInt16> = [1, 3, 4, 13, 16, 18]

    /// The field of an entry; nil where the type is unknown, as TIFF 6.0 asks readers to skip those.
    ///
    /// - Parameter entry: its bytes, ``TIFFHeader/entrySize``.
    init?(entry: ArraySlice<UInt8>, _ header: TIFFHeader) {
        let start = entry.startIndex
        let type = header.number(entry[start + 2..<start + 4])
        guard Self.sizes.indices.contains(type), Self.sizes[type] > 0 else { return nil }
        let place = start + 4 + header.offsetSize
        let count = header.number(entry[start + 4..<place])
        let (size, isAbsurd) = count.multipliedReportingOverflow(by: Self.sizes[type])
        guard !isAbsurd else { return nil }
        self.type = UInt16(type)
        self.count = count
        values =
            size <= header.offsetSize
            ? .inEntry(Array(entry[place..<place + size])) : .at(header.number(entry[place..<entry.endIndex]))
    }

    /// Bytes of all values.
    var byteCount: Int { count * Self.sizes[Int(type)] }

    /// The only value, where it is an unsigned number in the entry itself; nil otherwise.
    func number(_ header: TIFFHeader) -> Int? {
        guard count == 1, Self.unsignedTypes.contains(type), case .inEntry(let bytes) = values else { return nil }
        return header.number(bytes[...])
    }

    /// The unsigned numbers that `bytes`, those of the values, are.
    ///
    /// - Throws: ``TIFFFault`` where the type is none of unsigned numbers.
    func numbers(_ bytes: [UInt8], _ header: TIFFHeader) throws(TIFFFault) -> [Int] {
        guard Self.unsignedTypes.contains(type) else { throw TIFFFault("numbers of type \(type) are no positions") }
        let size = Self.sizes[Int(type)]
        return stride(from: 0, to: bytes.count - size + 1, by: size).map { header.number(bytes[$0..<$0 + size]) }
    }

    /// Where the first `limit` bytes of the values lie in the file; nil where the entry has them.
    ///
    /// - Throws: ``TIFFFault`` where they are not in the file, so that no more than its length is ever allocated.
    func range(limit: Int = .max, fileLength: Int) throws(TIFFFault) -> Range<Int>? {
        guard case .at(let offset) = values else { return nil }
        guard offset <= fileLength, byteCount <= fileLength - offset else {
            throw TIFFFault("\(byteCount) bytes at \(offset) are beyond the end of the file")
        }
        return offset..<offset + min(byteCount, limit)
    }

    /// Reads the first `limit` bytes of the values.
    func bytes(
        limit: Int = .max, of source: any ByteSource, token: CancellationToken
    ) -> Promise<[UInt8], TIFFError> {
        if case .inEntry(let bytes) = values { return Promise(.success(Array(bytes.prefix(limit)))) }
        do throws(TIFFFault) {
            guard let range = try range(limit: limit, fileLength: source.length) else { return Promise(.success([])) }
            return source.bytes(range, token: token)
        } catch {
            return Promise(.failure(.fault(error)))
        }
    }
}
