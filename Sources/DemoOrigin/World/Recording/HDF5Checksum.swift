/// The checksum of the metadata in HDF5.
enum HDF5Checksum {
    /// The checksum of `bytes` as the file stores it: four bytes, little end first.
    static func bytes(_ bytes: some Collection<UInt8>) -> [UInt8] {
        let value = lookup3(Array(bytes))
        return (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    /// Bob Jenkins' lookup3 `hashlittle` with initial value 0.
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
