/// A part of the split for learning.
package enum SplitPart: String, Sendable, CaseIterable {
    /// For fitting, about 80 donors of 100.
    case train
    /// For choosing, about 10 of 100.
    case val
    /// For the final figures, about 10 of 100.
    case test
}

/// The trainable cells divided by donor, so that no animal or patient is in two parts.
///
/// The part depends on the donor's id alone, so it is the same on every machine and does not change when cells or donors
/// are added. Shares are therefore near 80/10/10 of the donors, not exact, and those of the cells follow.
package struct SpecimenSplits: Hashable, Sendable {
    /// Cells for fitting, ascending.
    package let train: [Int]
    /// Cells for choosing, ascending.
    package let val: [Int]
    /// Cells for the final figures, ascending.
    package let test: [Int]

    /// The cells of `part`.
    package subscript(part: SplitPart) -> [Int] {
        switch part {
        case .train: train
        case .val: val
        case .test: test
        }
    }

    init(trainable: [Specimen]) {
        var parts: [SplitPart: [Int]] = [:]
        for specimen in trainable { parts[Self.part(ofDonor: specimen.donorKey), default: []].append(specimen.id) }
        train = parts[.train] ?? []
        val = parts[.val] ?? []
        test = parts[.test] ?? []
    }

    /// 64-bit FNV-1a of the key, then the finaliser of SplitMix64, because FNV alone leaves the low bits of similar keys
    /// alike; the remainder by 10 chooses the part.
    static func part(ofDonor key: String) -> SplitPart {
        switch StableHash.mixed(StableHash.fnv1a(key.utf8)) % 10 {
        case 0..<8: .train
        case 8: .val
        default: .test
        }
    }
}

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
