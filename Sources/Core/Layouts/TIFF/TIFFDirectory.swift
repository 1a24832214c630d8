/// Little-endian numbers of a file header.
extension [UInt8] {
    mutating func append<Number: FixedWidthInteger>(littleEndian number: Number) {
        for byte in 0..<(Number.bitWidth / 8) {
            append(UInt8(truncatingIfNeeded: number >> (8 * byte)))
        }
    }

    /// Appends zeros up to the next multiple of `alignment`.
    mutating func pad(to alignment: Int) {
        append(contentsOf: repeatElement(0, count: count.rounded(upTo: alignment) - count))
    }
}

extension Int {
    /// The smallest multiple of `alignment` that is not below this number.
    func rounded(upTo alignment: Int) -> Int { (self + alignment - 1) / alignment * alignment }
}

/// The tags this library writes (TIFF 6.0, appendix A).
enum TIFFTag: UInt16 {
    case imageWidth = 256
    case imageLength = 257
    case bitsPerSample = 258
    case compression = 259
    case photometricInterpretation = 262
    case imageDescription = 270
    case stripOffsets = 273
    case samplesPerPixel = 277
    case rowsPerStrip = 278
    case stripByteCounts = 279
    case xResolution = 282
    case yResolution = 283
    case resolutionUnit = 296
    case software = 305
    case sampleFormat = 339
}

/// One field of an image file directory.
struct TIFFField {
    let tag: TIFFTag
    /// Field type: 2 ASCII, 3 SHORT, 4 LONG, 5 RATIONAL, 16 LONG8 (BigTIFF).
    let type: UInt16
    let count: Int
    /// The values, little endian.
    let payload: [UInt8]

    static func short(_ tag: TIFFTag, _ value: Int) -> TIFFField { numbers(tag, 3, [UInt16(value)]) }
    static func long(_ tag: TIFFTag, _ values: [Int]) -> TIFFField { numbers(tag, 4, values.map { UInt32($0) }) }
    static func long8(_ tag: TIFFTag, _ values: [Int]) -> TIFFField { numbers(tag, 16, values.map { UInt64($0) }) }

    static func rational(_ tag: TIFFTag, _ value: TIFFRational) -> TIFFField {
        TIFFField(tag: tag, type: 5, count: 1, payload: numbers(tag, 4, [value.numerator, value.denominator]).payload)
    }

    /// `text` must be free of NUL; one is appended, and counted, as the field type wants.
    static func ascii(_ tag: TIFFTag, _ text: String) -> TIFFField {
        let payload = Array(text.utf8) + [0]
        return TIFFField(tag: tag, type: 2, count: payload.count, payload: payload)
    }

    private static func numbers(_ tag: TIFFTag, _ type: UInt16, _ values: [some FixedWidthInteger]) -> TIFFField {
        var payload: [UInt8] = []
        for value in values { payload.append(littleEndian: value) }
        return TIFFField(tag: tag, type: type, count: values.count, payload: payload)
    }
}

/// An image file directory and, directly behind it, the values that do not fit in its entries.
///
/// ```text
///            classic (32 bit)              BigTIFF (64 bit)
/// count      2                             8
/// entry      12 = tag 2, type 2,           20 = tag 2, type 2,
///            count 4, value or offset 4         count 8, value or offset 8
/// next       4                             8
/// values     each from an even offset      each from a multiple of 8
/// ```
struct TIFFDirectory {
    enum Flavour: Sendable {
        /// TIFF 6.0.
        case classic
        /// The 64-bit variant, <https://libtiff.gitlab.io/libtiff/specification/bigtiff.html>.
        case big
    }

    /// In ascending order of tag, as TIFF 6.0, section 2 wants.
    let fields: [TIFFField]
    let flavour: Flavour

    init(_ fields: [TIFFField], flavour: Flavour) {
        self.fields = fields.sorted { $0.tag.rawValue < $1.tag.rawValue }
        self.flavour = flavour
    }

    private var inlineCapacity: Int { flavour == .classic ? 4 : 8 }
    private var valueAlignment: Int { flavour == .classic ? 2 : 8 }
    private var tableSize: Int {
        flavour == .classic ? 2 + 12 * fields.count + 4 : 8 + 20 * fields.count + 8
    }

    /// Bytes of the directory with its values, a multiple of the values' alignment; a function of the counts alone.
    var size: Int {
        fields.reduce(tableSize.rounded(upTo: valueAlignment)) { sum, field in
            field.payload.count <= inlineCapacity ? sum : sum + field.payload.count.rounded(upTo: valueAlignment)
        }
    }

    /// The bytes of the directory when it begins at byte `offset` of the file, which must be so aligned.
    ///
    /// - Parameter next: Where the next directory begins, bytes from the start of the file; 0 after the last.
    func encoded(at offset: Int, next: Int) -> [UInt8] {
        var table: [UInt8] = []
        var values: [UInt8] = []
        let firstValue = offset + tableSize.rounded(upTo: valueAlignment)
        append(fields.count, to: &table, classicWidth: UInt16.self)
        for field in fields {
            table.append(littleEndian: field.tag.rawValue)
            table.append(littleEndian: field.type)
            append(field.count, to: &table, classicWidth: UInt32.self)
            if field.payload.count <= inlineCapacity {
                table.append(contentsOf: field.payload)
                table.append(contentsOf: repeatElement(0, count: inlineCapacity - field.payload.count))
            } else {
                append(firstValue + values.count, to: &table, classicWidth: UInt32.self)
                values.append(contentsOf: field.payload)
                values.pad(to: valueAlignment)
            }
        }
        append(next, to: &table, classicWidth: UInt32.self)
        table.pad(to: valueAlignment)
        return table + values
    }

    private func append<Width: FixedWidthInteger>(_ value: Int, to bytes: inout [UInt8], classicWidth: Width.Type) {
        if flavour == .classic {
            bytes.append(littleEndian: Width(value))
        } else {
            bytes.append(littleEndian: UInt64(value))
        }
    }
}
