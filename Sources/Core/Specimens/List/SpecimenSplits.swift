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
