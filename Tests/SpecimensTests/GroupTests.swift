import TestTools
import Testing

@testable import Specimens

@Suite struct GroupTests {
    private func group(_ groups: [SpecimenGroup], _ folder: String) -> [Int]? {
        groups.first { $0.folder == folder }?.specimenIDs
    }

    @Test func cellsByValue() {
        func cell(_ id: Int, _ structure: String?, _ parent: String?, _ layer: String?, _ line: String?) -> Specimen {
            Specimen(
                id: id, structure: structure, parent: parent, layer: layer, line: line, dendriteType: "sparsely spiny")
        }
        let groups = SpecimenList(of: [
            cell(4, "VISp5", "VISp", "5", "Cux2"), cell(1, "VISp2/3", "VISp", "2/3", nil),
            cell(3, "FroL", "FroL", "2/3", "A|B"), cell(2, nil, nil, nil, nil), cell(5, "VISp", nil, "5", "Cux2"),
        ]).groups
        #expect(groups.byStructure.map(\.folder) == ["FroL", "VISp", "VISp2-3", "VISp5"])
        #expect(group(groups.byStructure, "FroL") == [3])
        #expect(group(groups.byStructure, "VISp") == [1, 4, 5])
        #expect(group(groups.byStructure, "VISp2-3") == [1])
        #expect(groups.byLayer.map(\.folder) == ["2-3", "5"])
        #expect(groups.byLayer.map(\.title) == ["2/3", "5"])
        #expect(groups.byLayer.map(\.specimenIDs) == [[1, 3], [4, 5]])
        #expect(groups.byLine.map(\.folder) == ["A|B", "Cux2"])
        #expect(groups.byDendriteType.map(\.specimenIDs) == [[1, 2, 3, 4, 5]])
        #expect(groups.byName.map(\.link) == ["cell 1", "cell 2", "cell 3", "cell 4", "cell 5"])
        #expect(groups.byName.map(\.specimenID) == [1, 2, 3, 4, 5])
    }

    @Test(arguments: [
        ("2/3", "2-3"), ("", "_"), (".", "_"), ("..", "_."), (".hidden", "_hidden"), ("a\0b\n", "a_b_"), ("a b", "a b"),
        ("\u{E9}", "\u{E9}"), ("/", "-"), ("a.b", "a.b"), ("x;y|z", "x;y|z"), ("\u{7F}\u{85}", "__"),
    ])
    func safeNames(_ title: String, _ name: String) { #expect(FolderName.safe(title) == name) }

    @Test func longNamesAreCutBetweenCharacters() {
        for title in [String(repeating: "a", count: 300), String(repeating: "\u{1F600}", count: 80)] {
            let name = FolderName.safe(title)
            #expect(name.utf8.count <= 255)
            #expect(name.utf8.count > 245)
            #expect(!name.unicodeScalars.contains("\u{FFFD}"))
            #expect(name != FolderName.safe(title + "x"))
        }
        #expect(FolderName.safe(String(repeating: "a", count: 255)) == String(repeating: "a", count: 255))
    }

    @Test func titlesThatClashGetNamesOfTheirOwn() {
        #expect(FolderName.unique(["2/3", "4"]) == ["2-3", "4"])
        let clash = FolderName.unique(["2/3", "2-3", "4"])
        #expect(clash[1] == "2-3")
        #expect(clash[2] == "4")
        #expect(clash[0].hasPrefix("2-3~"))
        let same = FolderName.unique(["x", "x", "x"])
        #expect(same[0] == "x")
        #expect(Set(same).count == 3)
        // Each tries on from where the one before it ended.
        #expect(Set(FolderName.unique([String](repeating: "y", count: 20_000))).count == 20_000)
    }

    @Test func namesAreUniqueAndPossibleWhateverTheTitles() {
        var generator = Seeded(12)
        let alphabet: [Character] = ["a", "/", "-", "_", ".", "\0", "~", "\u{1F600}"]
        for _ in 0..<100 {
            let titles = (0..<40).map { _ in
                String(
                    (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                        alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
                    })
            }
            let names = FolderName.unique(titles)
            #expect(Set(names).count == titles.count)
            for name in names {
                #expect(!name.isEmpty && name.utf8.count <= 255)
                #expect(!name.hasPrefix("."))
                #expect(!name.unicodeScalars.contains { $0 == "/" || $0.value < 0x20 })
            }
        }
    }
}
