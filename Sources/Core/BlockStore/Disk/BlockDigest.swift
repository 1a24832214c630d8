/// 128 bits that stand for a ``BlockKey`` in file names and in memory.
///
/// SipHash-2-4-128 with a fixed key (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, and the 128-bit
/// variant of their reference code). Two keys with one digest would share a file. The header repeats the whole key, so such
/// a collision is a miss and never wrong bytes. Files on disk are named by the digest: changing it needs a new directory
/// version.
struct BlockDigest: Hashable, Sendable {
    let first: UInt64
    let second: UInt64

    init(first: UInt64, second: UInt64) {
        self.first = first
        self.second = second
    }

    /// The digest of a key: of the id and the validator, each after its length, the object's length (-1 when unknown)
    /// and the index, all numbers as 64-bit little endian.
    init(_ key: BlockKey) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(48 + key.object.id.utf8.count + key.object.validator.utf8.count)
        bytes.append(littleEndian: UInt64(key.object.id.utf8.count))
        bytes.append(contentsOf: key.object.id.utf8)
        bytes.append(littleEndian: UInt64(key.object.validator.utf8.count))
        bytes.append(contentsOf: key.object.validator.utf8)
        bytes.append(littleEndian: UInt64(bitPattern: Int64(key.object.length ?? -1)))
        bytes.append(littleEndian: UInt64(bitPattern: Int64(key.index)))
        // The key of the published test vectors: bytes 0 to 15.
        self = SipHash128.hash(bytes, key: (0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908))
    }

    /// A digest from 32 lower-case hexadecimal digits, nil for anything else.
    init?(hexadecimal text: some StringProtocol) {
        guard text.utf8.count == 32, text.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }),
            let first = UInt64(text.prefix(16), radix: 16), let second = UInt64(text.suffix(16), radix: 16)
        else { return nil }
        self.init(first: first, second: second)
    }

    /// 32 lower-case hexadecimal digits.
    var hexadecimal: String {
        var digits: [UInt8] = []
        digits.reserveCapacity(32)
        for word in [first, second] {
            for shift in stride(from: 60, through: 0, by: -4) {
                let digit = UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 15
                digits.append(digit < 10 ? 48 + digit : 87 + digit)
            }
        }
        return String(decoding: digits, as: UTF8.self)
    }

    func hash(into hasher: inout Hasher) { hasher.combine(second) }
}

enum SipHash128 {
    static func hash(_ bytes: [UInt8], key: (UInt64, UInt64)) -> BlockDigest {
        var state = State(key)
        let whole = bytes.count & ~7
        for start in stride(from: 0, to: whole, by: 8) { state.compress(word(bytes, start, 8)) }
        state.compress(word(bytes, whole, bytes.count - whole) | UInt64(bytes.count & 0xFF) << 56)
        state.v2 ^= 0xEE
        let first = state.finish()
        state.v1 ^= 0xDD
        return BlockDigest(first: first, second: state.finish())
    }

    private static func word(_ bytes: [UInt8], _ start: Int, _ count: Int) -> UInt64 {
        var word: UInt64 = 0
        for offset in 0..<count { word |= UInt64(bytes[start + offset]) << (8 * UInt64(offset)) }
        return word
    }

    private struct State {
        var v0: UInt64
        var v1: UInt64
        var v2: UInt64
        var v3: UInt64

        init(_ key: (UInt64, UInt64)) {
            v0 = key.0 ^ 0x736F_6D65_7073_6575
            v1 = key.1 ^ 0x646F_7261_6E64_6F6D ^ 0xEE
            v2 = key.0 ^ 0x6C79_6765_6E65_7261
            v3 = key.1 ^ 0x7465_6462_7974_6573
        }

        mutating func compress(_ word: UInt64) {
            v3 ^= word
            for _ in 0..<2 { round() }
            v0 ^= word
        }

        mutating func finish() -> UInt64 {
            for _ in 0..<4 { round() }
            return v0 ^ v1 ^ v2 ^ v3
        }

        private mutating func round() {
            v0 &+= v1
            v1 = Self.rotate(v1, 13) ^ v0
            v0 = Self.rotate(v0, 32)
            v2 &+= v3
            v3 = Self.rotate(v3, 16) ^ v2
            v0 &+= v3
            v3 = Self.rotate(v3, 21) ^ v0
            v2 &+= v1
            v1 = Self.rotate(v1, 17) ^ v2
            v2 = Self.rotate(v2, 32)
        }

        private static func rotate(_ word: UInt64, _ count: UInt64) -> UInt64 { word << count | word >> (64 - count) }
    }
}

extension [UInt8] {
    mutating func append<Word: FixedWidthInteger & UnsignedInteger>(littleEndian word: Word) {
        for shift in stride(from: 0, to: Word.bitWidth, by: 8) {
            append(UInt8(truncatingIfNeeded: word >> Word(shift)))
        }
    }
}
