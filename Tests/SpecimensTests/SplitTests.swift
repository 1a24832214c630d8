import TestTools
import Testing

@testable import Specimens

@Suite struct SplitTests {
    /// Published values: FNV-1a of draft-eastlake-fnv appendix C, SplitMix64's first output for the seed 0.
    @Test func theHashesAreThosePublished() {
        #expect(StableHash.fnv1a("".utf8) == 0xCBF2_9CE4_8422_2325)
        #expect(StableHash.fnv1a("a".utf8) == 0xAF63_DC4C_8601_EC8C)
        #expect(StableHash.fnv1a("foobar".utf8) == 0x8594_4171_F739_67E8)
        #expect(StableHash.mixed(0) == 0xE220_A839_7B1D_CDAF)
    }

    /// Remainders computed by a Python program of the same definition; a change would move cells between parts.
    @Test func thePartOfADonorNeverChanges() {
        let remainders = [4, 1, 3, 3, 5, 1, 0, 2, 1, 8, 8, 0, 9, 1, 2, 3, 4, 8, 7, 7, 9, 7, 9, 3]
        for (index, remainder) in remainders.enumerated() {
            let expected: SplitPart = remainder < 8 ? .train : remainder == 8 ? .val : .test
            #expect(SpecimenSplits.part(ofDonor: "donor:\(index + 1)") == expected)
        }
    }

    private func randomCells(_ count: Int, _ generator: inout Seeded) -> [Specimen] {
        (1...count).map { id in
            let isTrainable = Bool.random(using: &generator)
            return Specimen(
                id: id,
                donorID: Int.random(in: 0..<12, using: &generator) == 0
                    ? nil : Int.random(in: 1...90, using: &generator),
                donorName: Bool.random(using: &generator) ? "d\(id % 50)" : nil,
                skeleton: isTrainable ? .file(id, of: id) : nil, hasImages: isTrainable)
        }
    }

    private func parts(_ splits: SpecimenSplits) -> [Int: SplitPart] {
        Dictionary(uniqueKeysWithValues: SplitPart.allCases.flatMap { part in splits[part].map { ($0, part) } })
    }

    @Test func everyTrainableCellIsInOnePartAndNoDonorInTwo() {
        var generator = Seeded(13)
        for _ in 0..<10 {
            let list = SpecimenList(of: randomCells(300, &generator))
            let splits = list.splits
            let all = splits.train + splits.val + splits.test
            #expect(all.sorted() == list.trainable)
            for part in SplitPart.allCases { #expect(splits[part] == splits[part].sorted()) }
            let part = parts(splits)
            var ofDonor: [Int: Set<SplitPart>] = [:]
            for id in list.trainable {
                guard let donor = list[id]?.donorID, let part = part[id] else { continue }
                ofDonor[donor, default: []].insert(part)
            }
            #expect(ofDonor.values.allSatisfy { $0.count == 1 })
        }
    }

    @Test func addingCellsMovesNone() {
        var generator = Seeded(14)
        let cells = randomCells(400, &generator)
        let before = parts(SpecimenList(of: Array(cells.prefix(200))).splits)
        let after = parts(SpecimenList(of: cells.shuffled(using: &generator)).splits)
        #expect(before.allSatisfy { after[$0.key] == $0.value })
        #expect(after.count > before.count)
    }

    @Test func sharesAreNearEightyTenTen() {
        var counts: [SplitPart: Int] = [:]
        for donor in 1...20_000 { counts[SpecimenSplits.part(ofDonor: "donor:\(donor)"), default: 0] += 1 }
        // Six standard deviations of a binomial distribution are 340 of 16000 and 255 of 2000.
        #expect(abs((counts[.train] ?? 0) - 16_000) < 340)
        #expect(abs((counts[.val] ?? 0) - 2_000) < 255)
        #expect(abs((counts[.test] ?? 0) - 2_000) < 255)
    }
}
