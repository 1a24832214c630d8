/// A stand-in for an NWB file: a true HDF5 signature and superblock, then bytes that follow from their position. It has
/// the size of a small file and can be read by ranges; it is no recording, and an HDF5 reader finds an empty root.
struct Recording {
    let seed: Int
    let size: Int

    init(seed: Int) {
        self.seed = seed
        var random = Random(seed: seed, stream: 7)
        size = random.whole(300_000...900_000)
    }

    /// The bytes of a range that lies inside the file.
    func bytes(_ range: Range<Int>) -> [UInt8] {
        let head = HDF5Head.bytes(fileSize: size)
        var result: [UInt8] = []
        result.reserveCapacity(range.count)
        var position = range.lowerBound
        while position < min(range.upperBound, head.count) {
            result.append(head[position])
            position += 1
        }
        while position < range.upperBound {
            var word = Random(seed: seed, stream: 8 + position / 8)
            let value = word.next()
            let end = min(range.upperBound, (position / 8 + 1) * 8)
            for byte in position..<end { result.append(UInt8(truncatingIfNeeded: value >> (8 * (byte % 8)))) }
            position = end
        }
        return result
    }
}

/// The smallest valid beginning of an HDF5 file (HDF5 File Format Specification 3.0): superblock version 2 and a root
/// group without members.
enum HDF5Head {
    static func bytes(fileSize: Int) -> [UInt8] {
        let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
        // Version 2, offsets and lengths of 8 bytes, no consistency flags; base address, no extension, end of file, and
        // the root group's header right behind the superblock's 48 bytes.
        var block = signature + [2, 8, 8, 0]
        block += little(0) + little(.max) + little(UInt64(fileSize)) + little(48)
        block += checksum(block)
        // Object header version 2, no flags, 28 bytes of messages: the two that make a group of it.
        var header = Array("OHDR".utf8) + [2, 0, 28]
        // Link info (type 2, 18 bytes): version 0, no flags, no fractal heap, no name index.
        header += [2, 18, 0, 0] + [0, 0] + little(.max) + little(.max)
        // Group info (type 10, 2 bytes): version 0, no flags.
        header += [10, 2, 0, 0] + [0, 0]
        header += checksum(header)
        return block + header
    }

    private static func little(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    private static func checksum(_ bytes: [UInt8]) -> [UInt8] {
        let value = lookup3(bytes)
        return (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    /// Bob Jenkins' lookup3 `hashlittle` with initial value 0, the checksum of HDF5's metadata.
    static func lookup3(_ bytes: [UInt8]) -> UInt32 {
        var a = 0xDEAD_BEEF &+ UInt32(bytes.count)
        var (b, c) = (a, a)
        var position = 0
        func word(_ offset: Int) -> UInt32 {
            (0..<4).reduce(0) { sum, index in
                let place = position + offset + index
                return place < bytes.count ? sum | UInt32(bytes[place]) << (8 * index) : sum
            }
        }
        func rotated(_ value: UInt32, _ count: UInt32) -> UInt32 { value << count | value >> (32 - count) }
        while bytes.count - position > 12 {
            a &+= word(0)
            b &+= word(4)
            c &+= word(8)
            a = (a &- c) ^ rotated(c, 4)
            c &+= b
            b = (b &- a) ^ rotated(a, 6)
            a &+= c
            c = (c &- b) ^ rotated(b, 8)
            b &+= a
            a = (a &- c) ^ rotated(c, 16)
            c &+= b
            b = (b &- a) ^ rotated(a, 19)
            a &+= c
            c = (c &- b) ^ rotated(b, 4)
            b &+= a
            position += 12
        }
        guard position < bytes.count else { return c }
        a &+= word(0)
        b &+= word(4)
        c &+= word(8)
        c = (c ^ b) &- rotated(b, 14)
        a = (a ^ c) &- rotated(c, 11)
        b = (b ^ a) &- rotated(a, 25)
        c = (c ^ b) &- rotated(b, 16)
        a = (a ^ c) &- rotated(c, 4)
        b = (b ^ a) &- rotated(a, 14)
        c = (c ^ b) &- rotated(b, 24)
        return c
    }
}
