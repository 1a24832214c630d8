@testable import BlockStore
@testable import Support

/// The header of a block file on disk. The input is a header without its last four bytes, the checksum, and one more
/// byte. No fuzzer guesses checksums, so that byte selects what is corrected before the header is read. 1 corrects
/// nothing, 2 the checksum alone. Any other value corrects the length, the digest of the key and the checksum.
@Sendable func fuzzBlockHeader(_ bytes: [UInt8]) {
    var stored = Array(bytes.dropLast())
    let mode = bytes.last ?? 0
    if mode != 1 {
        if mode != 2 { repair(&stored) }
        stored.append(littleEndian: CRC32C.checksum(stored))
    }
    _ = BlockHeader.length(announcedBy: stored)
    guard let header = BlockHeader(decoding: stored) else { return }
    require(header.length == stored.count, "the header is as long as it says")
    require((0...BlockHeader.maximumData).contains(header.dataLength), "the length of the data is bounded")
    require(header.digest == BlockDigest(header.key), "the digest is that of the key")
    require(header.encoded() == stored, "decoding a header and encoding it changes nothing")
    require(BlockDigest(hexadecimal: header.digest.hexadecimal) == header.digest, "a digest survives being a file name")
}

/// Sets the length and the digest that belong to the texts and numbers in `stored`.
private func repair(_ stored: inout [UInt8]) {
    let fixed = BlockHeader.fixedLength
    guard stored.count >= fixed else { return }
    // Of 16 KiB each, in format 2.
    let dataLength = stored.littleEndian(at: 48, as: UInt64.self)
    let hasParts = stored.littleEndian(at: 8, as: UInt32.self) == 2 && dataLength < UInt64(stored.count) << 12
    let parts = hasParts ? 4 * Int((dataLength + 16_383) / 16_384) : 0
    let texts = max(0, stored.count - fixed - parts)
    let idLength = min(Int(stored.littleEndian(at: 60, as: UInt16.self)), texts)
    let validatorLength = min(texts - idLength, Int(UInt16.max))
    stored.removeLast(texts - idLength - validatorLength)
    write(UInt64(idLength), 2, at: 60, in: &stored)
    write(UInt64(validatorLength), 2, at: 62, in: &stored)
    write(UInt64(stored.count + 4), 4, at: 12, in: &stored)
    let length = Int(Int64(bitPattern: stored.littleEndian(at: 40, as: UInt64.self)))
    let digest = BlockDigest(
        BlockKey(
            object: ObjectIdentity(
                id: String(decoding: stored[fixed..<fixed + idLength], as: UTF8.self),
                validator: String(decoding: stored[(fixed + idLength)...].prefix(validatorLength), as: UTF8.self),
                length: length == -1 ? nil : length),
            index: Int(Int64(bitPattern: stored.littleEndian(at: 32, as: UInt64.self)))))
    write(digest.first, 8, at: 16, in: &stored)
    write(digest.second, 8, at: 24, in: &stored)
}

private func write(_ value: UInt64, _ count: Int, at offset: Int, in bytes: inout [UInt8]) {
    for index in 0..<count { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
}
