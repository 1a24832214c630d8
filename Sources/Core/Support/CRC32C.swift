internal import CChecksum

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4): by the instructions of the processor, else slicing by eight.
package enum CRC32C {
    private static let hasInstructions = checksum_prepare_crc32c() != 0

    /// The reflected Castagnoli polynomial.
    private static let polynomial: UInt32 = 0x82F6_3B78

    /// Eight tables of 256: `tables[k * 256 + b]` advances byte `b` by `k` further zero bytes.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ polynomial : value >> 1 }
            tables[byte] = value
        }
        for byte in 0..<256 {
            for slice in 1..<8 {
                let previous = tables[(slice - 1) * 256 + byte]
                tables[slice * 256 + byte] = (previous >> 8) ^ tables[Int(previous & 0xFF)]
            }
        }
        return tables
    }()

    /// The checksum of `bytes`. Check value: "123456789" gives 0xE3069283.
    package static func checksum(_ bytes: RawSpan) -> UInt32 {
        unsafe bytes.withUnsafeBytes { buffer in unsafe checksum(buffer) }
    }

    /// The checksum of `bytes`.
    package static func checksum(_ bytes: [UInt8]) -> UInt32 { checksum(bytes, 0..<bytes.count) }

    /// The checksum of a part of `bytes`.
    package static func checksum(_ bytes: [UInt8], _ part: Range<Int>) -> UInt32 {
        unsafe bytes.withUnsafeBytes { buffer in unsafe checksum(UnsafeRawBufferPointer(rebasing: buffer[part])) }
    }

    private static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        hasInstructions ? unsafe ~checksum_crc32c(~0, bytes.baseAddress, bytes.count) : unsafe bySlices(bytes)
    }

    /// The checksum for processors without instructions for it.
    static func bySlices(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        unsafe tables.withUnsafeBufferPointer { table in
            var crc: UInt32 = ~0
            var offset = 0
            while offset + 8 <= bytes.count {
                let word = unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                let low = crc ^ UInt32(truncatingIfNeeded: word)
                let high = UInt32(truncatingIfNeeded: word >> 32)
                let first = unsafe table[7 * 256 + Int(low & 0xFF)] ^ table[6 * 256 + Int((low >> 8) & 0xFF)]
                let second = unsafe table[5 * 256 + Int((low >> 16) & 0xFF)] ^ table[4 * 256 + Int(low >> 24)]
                let third = unsafe table[3 * 256 + Int(high & 0xFF)] ^ table[2 * 256 + Int((high >> 8) & 0xFF)]
                let fourth = unsafe table[256 + Int((high >> 16) & 0xFF)] ^ table[Int(high >> 24)]
                crc = first ^ second ^ third ^ fourth
                offset += 8
            }
            while offset < bytes.count {
                crc = unsafe (crc >> 8) ^ table[Int((crc ^ UInt32(bytes[offset])) & 0xFF)]
                offset += 1
            }
            return ~crc
        }
    }
}
