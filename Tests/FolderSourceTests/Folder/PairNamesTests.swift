import Specimens
import Testing

@testable import FolderSource

@Suite struct PairNamesTests {
    @Test(arguments: [
        ("a.tif", PairNames.Role.volume, "a"), ("a.b.TIFF", .volume, "a.b"), ("a.ome.tif", .volume, "a"),
        ("a.OME.TIFF", .volume, "a"), ("ä.swc", .skeleton, "ä"), ("a.Swc", .skeleton, "a"), ("a.marker", .marker, "a"),
        ("a.json", .meta, "a"), ("a.tif.swc", .skeleton, "a.tif"),
    ])
    func theEndingOfANameTellsWhatAFileIs(_ name: String, _ role: PairNames.Role, _ stem: String) {
        #expect(PairNames.role(name) == role && PairNames.stem(name) == stem)
    }

    @Test(arguments: ["tif", ".tif", "a.tif.bak", "a.png", "swc", "a.swc~", "a"])
    func otherNamesSayNothing(_ name: String) { #expect(PairNames.role(name) == nil && PairNames.stem(name) == name) }

    private func sections(_ names: [String]) -> [(String, Int)] {
        SectionOrder(names).sections.map { (names[$0.index], $0.section) }
    }

    @Test func theLastNumberInANameIsItsSection() {
        let found = sections(["cell2_z10.tif", "cell2_z9.tif", "cell2_z0012.tif"])
        #expect(found.map(\.0) == ["cell2_z9.tif", "cell2_z10.tif", "cell2_z0012.tif"])
        #expect(found.map(\.1) == [9, 10, 12])
    }

    @Test(arguments: [
        ["z10.tif", "z9.tif", "first.tif"], ["z1_t1.tif", "z2_t1.tif", "z10_t1.tif"],
        ["t20260101.tif", "t99.tif", "t3.tif"], ["z1.tif", "z01.tif"], ["z123456789012.tif", "z2.tif"],
        ["a.tif", "b10.tif", "b9.tif", "B.tif"],
    ])
    func whereNumbersSayNothingFilesFollowEachOtherAsAPersonCounts(_ names: [String]) {
        let found = sections(names)
        #expect(found.map(\.1) == Array(names.indices))
        #expect(Set(found.map(\.0)) == Set(names))
        // Of names that differ in one number, the smaller comes first.
        for (small, large) in [("z9.tif", "z10.tif"), ("z2_t1.tif", "z10_t1.tif"), ("b9.tif", "b10.tif")] {
            guard let one = found.firstIndex(where: { $0.0 == small }),
                let other = found.firstIndex(where: { $0.0 == large })
            else { continue }
            #expect(one < other)
        }
    }

    @Test func idsAreLargeStableAndDependOnTheSource() {
        let ids = (0..<10_000).map { FolderPair.id(of: "cell \($0)", source: "folder:/a") }
        #expect(ids.allSatisfy { (1 << 33..<1 << 53).contains($0) } && Set(ids).count == ids.count)
        #expect(FolderPair.id(of: "cell 0", source: "folder:/b") != ids[0])
        // Part of inode numbers, which must not differ between mounts.
        #expect(FolderPair.id(of: "cell", source: "folder:/data/pairs") == 6_227_311_255_554_160)
    }
}
