/// Hashes that are the same in every process and version, unlike `Hasher`.
package enum StableHash {
    /// 64-bit FNV-1a (Fowler, Noll, Vo; draft-eastlake-fnv, offset basis and prime of section 5).
    package static func fnv1a(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return hash
    }

    /// The output function of SplitMix64 (Steele, Lea, Flood 2014, figure 16).
    package static func mixed(_ value: UInt64) -> UInt64 {
        var value = value &+ 0x9E37_79B9_7F4A_7C15
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
