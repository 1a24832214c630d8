import TestTools
import Testing

@testable import Support

@Suite struct CRC32CTests {
    /// RFC 3720 (iSCSI) appendix B.4, and the check value of the CRC catalogue for "123456789".
    @Test func publishedVectors() {
        #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.checksum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
        #expect(CRC32C.checksum((0..<32).reversed().map { UInt8($0) }) == 0x113F_DB5C)
        let readCommand: [UInt8] =
            [0x01, 0xC0, 0, 0] + [UInt8](repeating: 0, count: 12) + [0x14, 0, 0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0x14]
            + [0, 0, 0, 0x18, 0x28] + [UInt8](repeating: 0, count: 7) + [0x02] + [UInt8](repeating: 0, count: 7)
        #expect(readCommand.count == 48)
        #expect(CRC32C.checksum(readCommand) == 0xD996_3A56)
        #expect(CRC32C.checksum([] as [UInt8]) == 0)
    }

    /// The instructions take three stretches of 1360 bytes at a time.
    @Test func longBytesAreSummedAlikeByInstructionsAndByTables() {
        var generator = Seeded(5)
        let bytes = (0..<20_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        for count in [4079, 4080, 4081, 4088, 8159, 8160, 8161, 16_384, 19_999] {
            for start in 0..<2 {
                let part = Array(bytes[start..<start + count])
                #expect(CRC32C.checksum(part) == part.withUnsafeBytes { CRC32C.bySlices($0) }, "\(count) from \(start)")
            }
        }
    }

    /// Computed bit by bit from the definition: reflected, polynomial 0x1EDC6F41, start and final value all ones.
    @Test func agreesWithTheDefinitionAtEveryLengthAndOffset() {
        var generator = Seeded(4)
        let bytes = (0..<100).map { _ in UInt8.random(in: 0...255, using: &generator) }
        for start in 0..<9 {
            for end in start...bytes.count {
                var crc: UInt32 = ~0
                for byte in bytes[start..<end] {
                    for bit in 0..<8 {
                        let low = (crc ^ UInt32(byte >> UInt8(bit))) & 1
                        crc = (crc >> 1) ^ (low == 1 ? 0x82F6_3B78 : 0)
                    }
                }
                let part = Array(bytes[start..<end])
                #expect(CRC32C.checksum(part) == ~crc)
                #expect(part.withUnsafeBytes { CRC32C.bySlices($0) } == ~crc)
            }
        }
    }
}
