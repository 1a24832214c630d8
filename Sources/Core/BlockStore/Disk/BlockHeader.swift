import Support

/// The header of a block file, by which a reader checks the bytes of the file.
///
///     offset  size  field                                   (numbers are little endian)
///          0     8  magic "NFSBLOCK"
///          8     4  format version: 1 without parts, 2 with parts
///         12     4  header length h = 76 + a + b + 4p
///         16    16  digest of the key (the file's name says the same)
///         32     8  index of the tile or extent
///         40     8  length of the whole object, -1 when unknown
///         48     8  length of the data n
///         56     4  CRC-32C of the data
///         60     2  length of the object id a
///         62     2  length of the validator b
///         64     8  seconds that fetching took, an IEEE double
///         72     a  object id, UTF-8
///     72 + a     b  validator, UTF-8
///     76+a+b-4  4p  CRC-32C of each of the p parts of the data
///     h -  4     4  CRC-32C of the bytes before
///          h     n  data; the file ends here
///
/// A file of any other length, or with any bit changed, is not a block.
///
/// Data of 256 KiB or more has parts of 16 KiB, so that a short read proves what it gives and no more. Blocks of version 0.1.0
/// of NeuronFS have none, whatever their length; they are proved whole.
struct BlockHeader: Equatable {
    /// The format of a block without parts, and of one with parts.
    private static let formatVersions: (whole: UInt32, inParts: UInt32) = (1, 2)
    /// Bytes of a part, but for the last.
    static let partSize = 16_384
    /// The least data that has parts. Tiles are shorter, and are always read whole.
    static let leastInParts = 262_144
    /// Bytes of an extent of a file, which most blocks with parts have.
    static let usualData = 1 << 20
    /// The bytes before the object id.
    static let fixedLength = 72
    /// The longest object id or validator that is stored, in bytes. HTTP servers refuse header lines, and so ETags,
    /// above 8 KiB.
    static let maximumText = 8192
    /// The most bytes of data in a block: a larger one is a mistake, and smaller lengths fit 32 bits.
    static let maximumData = 1 << 30
    private static let magic = Array("NFSBLOCK".utf8)

    let key: BlockKey
    let digest: BlockDigest
    let dataLength: Int
    let dataChecksum: UInt32
    /// The CRC-32C of each part; empty where the data has no parts.
    let partChecksums: [UInt32]
    /// Seconds that fetching the block took.
    let fetchCost: Double

    /// The header of `bytes`, nil when the key or the data is too long to be stored.
    init?(key: BlockKey, digest: BlockDigest, bytes: [UInt8], fetchCost: Double) {
        guard key.object.id.utf8.count <= Self.maximumText, key.object.validator.utf8.count <= Self.maximumText,
            bytes.count <= Self.maximumData
        else { return nil }
        self.key = key
        self.digest = digest
        dataLength = bytes.count
        dataChecksum = CRC32C.checksum(bytes)
        partChecksums = (0..<Self.parts(of: bytes.count)).map { part in
            CRC32C.checksum(bytes, part * Self.partSize..<min((part + 1) * Self.partSize, bytes.count))
        }
        self.fetchCost = fetchCost.isFinite ? max(0, fetchCost) : 0
    }

    /// The header's length in bytes.
    var length: Int { Self.length(of: key.object, parts: partChecksums.count) }

    /// The length in bytes of the header that a block of `object` with `data` bytes is written with.
    static func length(of object: ObjectIdentity, data: Int) -> Int { length(of: object, parts: parts(of: data)) }

    private static func length(of object: ObjectIdentity, parts: Int) -> Int {
        fixedLength + object.id.utf8.count + object.validator.utf8.count + 4 * parts + 4
    }

    /// The parts that `data` bytes are written with.
    private static func parts(of data: Int) -> Int {
        data < leastInParts ? 0 : (data + partSize - 1) / partSize
    }

    /// The least range with checksums that holds the bytes `wanted` of the data.
    func provable(_ wanted: Range<Int>) -> Range<Int> {
        guard !partChecksums.isEmpty else { return 0..<dataLength }
        let end = (wanted.upperBound + Self.partSize - 1) / Self.partSize * Self.partSize
        return wanted.lowerBound / Self.partSize * Self.partSize..<min(end, dataLength)
    }

    /// Whether `data` are the bytes `range`, which ``provable(_:)`` has answered.
    func proves(_ data: [UInt8], _ range: Range<Int>) -> Bool {
        guard data.count == range.count else { return false }
        if range == 0..<dataLength { return CRC32C.checksum(data) == dataChecksum }
        return stride(from: 0, to: data.count, by: Self.partSize).allSatisfy { start in
            CRC32C.checksum(data, start..<min(start + Self.partSize, data.count))
                == partChecksums[(range.lowerBound + start) / Self.partSize]
        }
    }

    /// The header's bytes.
    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length)
        bytes.append(contentsOf: Self.magic)
        bytes.append(littleEndian: partChecksums.isEmpty ? Self.formatVersions.whole : Self.formatVersions.inParts)
        bytes.append(littleEndian: UInt32(length))
        bytes.append(littleEndian: digest.first)
        bytes.append(littleEndian: digest.second)
        bytes.append(littleEndian: UInt64(bitPattern: Int64(key.index)))
        bytes.append(littleEndian: UInt64(bitPattern: Int64(key.object.length ?? -1)))
        bytes.append(littleEndian: UInt64(dataLength))
        bytes.append(littleEndian: dataChecksum)
        bytes.append(littleEndian: UInt16(key.object.id.utf8.count))
        bytes.append(littleEndian: UInt16(key.object.validator.utf8.count))
        bytes.append(littleEndian: fetchCost.bitPattern)
        bytes.append(contentsOf: key.object.id.utf8)
        bytes.append(contentsOf: key.object.validator.utf8)
        for checksum in partChecksums { bytes.append(littleEndian: checksum) }
        bytes.append(littleEndian: CRC32C.checksum(bytes))
        return bytes
    }

    /// The length of the header that begins with `bytes`. Nil when `bytes` are not the fixed part of a header.
    static func length(announcedBy bytes: [UInt8]) -> Int? {
        guard bytes.count >= fixedLength, Array(bytes[0..<8]) == magic, let parts = parts(announcedBy: bytes)
        else { return nil }
        let texts = Int(bytes.littleEndian(at: 60, as: UInt16.self)) + Int(bytes.littleEndian(at: 62, as: UInt16.self))
        let length = Int(bytes.littleEndian(at: 12, as: UInt32.self))
        return length == fixedLength + texts + 4 * parts + 4 ? length : nil
    }

    /// The parts of the data whose header begins with `bytes`; nil when there is no such format.
    private static func parts(announcedBy bytes: [UInt8]) -> Int? {
        switch bytes.littleEndian(at: 8, as: UInt32.self) {
        case formatVersions.whole: return 0
        case formatVersions.inParts:
            let data = bytes.littleEndian(at: 48, as: UInt64.self)
            return data >= leastInParts && data <= maximumData ? parts(of: Int(data)) : nil
        default: return nil
        }
    }

    /// Parses a whole header. Nil when its checksum or any of its fields contradicts another.
    init?(decoding bytes: [UInt8]) {
        guard let length = Self.length(announcedBy: bytes), bytes.count == length else { return nil }
        let checksum = bytes.littleEndian(at: length - 4, as: UInt32.self)
        guard checksum == CRC32C.checksum(Array(bytes[0..<(length - 4)])) else { return nil }
        let idEnd = Self.fixedLength + Int(bytes.littleEndian(at: 60, as: UInt16.self))
        let validatorEnd = idEnd + Int(bytes.littleEndian(at: 62, as: UInt16.self))
        guard let id = String(validating: bytes[Self.fixedLength..<idEnd], as: UTF8.self),
            let validator = String(validating: bytes[idEnd..<validatorEnd], as: UTF8.self)
        else { return nil }
        partChecksums = stride(from: validatorEnd, to: length - 4, by: 4).map {
            bytes.littleEndian(at: $0, as: UInt32.self)
        }
        let objectLength = Int(Int64(bitPattern: bytes.littleEndian(at: 40, as: UInt64.self)))
        key = BlockKey(
            object: ObjectIdentity(id: id, validator: validator, length: objectLength == -1 ? nil : objectLength),
            index: Int(Int64(bitPattern: bytes.littleEndian(at: 32, as: UInt64.self))))
        digest = BlockDigest(
            first: bytes.littleEndian(at: 16, as: UInt64.self), second: bytes.littleEndian(at: 24, as: UInt64.self))
        guard let dataLength = Int(exactly: bytes.littleEndian(at: 48, as: UInt64.self)),
            dataLength <= Self.maximumData, digest == BlockDigest(key)
        else { return nil }
        self.dataLength = dataLength
        dataChecksum = bytes.littleEndian(at: 56, as: UInt32.self)
        fetchCost = Double(bitPattern: bytes.littleEndian(at: 64, as: UInt64.self))
    }
}

extension [UInt8] {
    /// The little-endian number at `offset`, which the caller has checked to lie inside.
    func littleEndian<Word: FixedWidthInteger & UnsignedInteger>(at offset: Int, as type: Word.Type) -> Word {
        var word: Word = 0
        for byte in 0..<(Word.bitWidth / 8) { word |= Word(self[offset + byte]) << Word(8 * byte) }
        return word
    }
}
