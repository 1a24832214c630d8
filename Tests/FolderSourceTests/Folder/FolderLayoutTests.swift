import Glibc
import Specimens
import Support
import TestTools
import Testing

@testable import FolderSource

/// Which cells a folder has.
@Suite struct FolderLayoutTests {
    @Test func directoriesAndFilesAreCells() throws {
        let folder = try TestFolder()
        try folder.tiff("both/image.TIF")
        try folder.write("both/trace.swc", "1 1 0 0 0 1 -1\n")
        try folder.write("both/points.marker", "1,1,1,0,1,,,0,0,0\n")
        for plane in [3, 1, 2] { try folder.tiff("planes/stack/z\(plane).tiff", pages: 1) }
        try folder.tiff("image only/a.tif")
        try folder.write("traced/a.SWC", "1 1 0 0 0 1 -1\n")
        try folder.tiff("flat.ome.tif")
        try folder.write("flat.swc", "1 1 0 0 0 1 -1\n")
        try folder.write("flat.marker", "")
        try folder.write("flat.json", #"{"donor": "D"}"#)
        try folder.write("nothing/readme.txt", "x")
        try folder.write("lonely.json", "{}")
        try folder.write("lonely.marker", "")
        try folder.write(".hidden/a.swc", "")
        try folder.write("README", "x")
        let bench = try FolderBench(folder)
        defer { bench.close() }
        #expect(bench.names == ["both", "flat", "image only", "planes", "traced"])
        #expect(bench.source.list.specimens.filter(\.hasImages).count == 4)
        #expect(
            Set(bench.source.list.trainable) == Set([try bench.specimen("both").id, try bench.specimen("flat").id]))
        #expect(try bench.specimen("flat").donorName == "D" && bench.specimen("both").donorName == "both")
        #expect(try bench.specimen("both").place == Place(collection: "pairs", folder: "both"))
        let both = try bench.objects("both")
        #expect(both.skeleton != nil && both.marker != nil && both.stack?.depth == 2 && both.recording == nil)
        #expect(try bench.bytes(#require(both.skeleton)) == Array("1 1 0 0 0 1 -1\n".utf8))
        #expect(both.provenance["skeleton"] == "both/trace.swc" && both.provenance["folder"] == .string(folder.path))
        #expect(try bench.objects("planes").stack?.depth == 3 && bench.objects("traced").stack == nil)
        #expect(try bench.objects("flat").marker != nil && bench.objects("traced").marker == nil)
        #expect(bench.source.identity == "folder:\(folder.path)")
        #expect(bench.log.messages(.warning).isEmpty)
    }

    @Test func twoFilesOfAKindAreNotGuessed() throws {
        let folder = try TestFolder()
        try folder.tiff("a/1.tif")
        try folder.tiff("a/2.tiff")
        try folder.write("a/x.swc", "")
        try folder.tiff("b/1.tif")
        try folder.write("b/x.swc", "")
        try folder.write("b/y.SWC", "")
        try folder.tiff("c/1.tif")
        try folder.tiff("c/stack/1.tif", pages: 1)
        try folder.tiff("d.tif")
        try folder.tiff("d.tiff")
        try folder.tiff("e/1.tif")
        try folder.write("e.swc", "")
        let bench = try FolderBench(folder)
        defer { bench.close() }
        // Nothing is left of "c" and "d".
        #expect(bench.names == ["a", "b", "e"])
        #expect(bench.source.list.specimens.filter(\.hasImages).map(\.place.folder).sorted() == ["b", "e"])
        #expect(bench.source.list.specimens.filter(\.hasSkeleton).map(\.place.folder).sorted() == ["a"])
        #expect(bench.log.messages(.warning).count == 5)
        _ = try bench.rescan()
        #expect(bench.log.messages(.warning).count == 5)
    }

    @Test(arguments: ["a.tif", "a/image.tif", "a/stack/1.tif"])
    func aCellWithoutUsableImagesAndWithoutASkeletonIsNotShown(_ image: String) throws {
        let folder = try TestFolder()
        try folder.write(image, "no TIFF")
        try folder.write("traced.tif", "no TIFF")
        try folder.write("traced.swc", "1 1 0 0 0 1 -1\n")
        let bench = try FolderBench(folder)
        defer { bench.close() }
        // A scan reads no images.
        #expect(bench.names == ["a", "traced"])
        #expect(try bench.objects("a").stack == nil && bench.objects("traced").stack == nil)
        #expect(try bench.rescan().specimens.map(\.place.folder) == ["traced"])
        #expect(try !bench.specimen("traced").hasImages)
        // One line for each, and for the plane its own.
        let lines = image.contains("stack") ? 3 : 2
        #expect(bench.log.messages(.warning).count == lines)
        #expect(try bench.rescan().generation == 2 && bench.log.messages(.warning).count == lines)

        try folder.tiff(image, pages: 1)
        _ = try bench.rescan()
        #expect(bench.names == ["a", "traced"])
        #expect(try bench.objects("a").stack?.depth == 1 && bench.log.messages(.warning).count == lines)
    }

    @Test(arguments: ["a.json", "a/meta.json"])
    func aCellWhoseImagesCannotBePlacedAndWithoutASkeletonIsNotShown(_ meta: String) throws {
        let folder = try TestFolder()
        try folder.tiff(meta == "a.json" ? "a.tif" : "a/1.tif")
        try folder.write(meta, "{")
        let bench = try FolderBench(folder)
        defer { bench.close() }
        #expect(bench.names == [] && bench.log.messages(.warning).count == 1)
        try folder.write(meta, "{}")
        _ = try bench.rescan()
        #expect(bench.names == ["a"])
        #expect(try bench.objects("a").stack?.depth == 2 && bench.log.messages(.warning).count == 1)
    }

    @Test func namesAreAnyUTF8() throws {
        let folder = try TestFolder()
        let names = [
            "Zelle Ä", "\u{1F9E0}", "a\nb", "\u{202E}abc", "x'y\"z\\", " ", "-rf", String(repeating: "n", count: 255),
            String(repeating: "é", count: 127),
        ]
        for name in names { try folder.write("\(name)/a.swc", "# \(name)\n") }
        let flat = String(repeating: "f", count: 251)
        try folder.write("\(flat).swc", "# flat")
        // Not UTF-8.
        let bytes = Array("\(folder.path)/".utf8) + [0xFF, 0x61]
        mkdir(bytes.map { CChar(bitPattern: $0) } + [0], 0o700)
        let bench = try FolderBench(folder)
        defer { bench.close() }
        #expect(Set(bench.names) == Set(names + [flat]))
        for name in names {
            #expect(try bench.bytes(#require(try bench.objects(name).skeleton)) == Array("# \(name)\n".utf8))
        }
        #expect(bench.log.messages(.warning).count == 1)
    }

    @Test func namesThatDifferInFormAloneAreOneCell() throws {
        let folder = try TestFolder()
        try folder.write("e\u{301}/a.swc", "1")
        try folder.write("\u{E9}/a.swc", "2")
        let bench = try FolderBench(folder)
        defer { bench.close() }
        #expect(bench.source.list.specimens.count == 1 && bench.log.messages(.warning).count == 1)
    }

    @Test func theRowHasWhatMetaSays() throws {
        let folder = try TestFolder()
        try folder.write("a/a.swc", "")
        try folder.write(
            "a/meta.json",
            """
            {"species": "Homo Sapiens", "catalogue": {"donor__id": 7, "donor__name": "H7", "structure__layer": "2/3",
             "structure__acronym": "VISp5", "line_name": "Cux2", "nr__reconstruction_type": "full"}}
            """)
        try folder.write("b/a.swc", "")
        try folder.write("b/meta.json", #"{"species": "rat", "donor": "R, 1", "catalogue": {"donor__id": 7}}"#)
        let bench = try FolderBench(folder)
        defer { bench.close() }
        let (a, b) = (try bench.specimen("a"), try bench.specimen("b"))
        #expect(a.species == .human && a.donorID == 7 && a.donorName == "H7" && a.layer == "2/3")
        #expect(a.structureAcronym == "VISp5" && a.lineName == "Cux2" && a.reconstructionType == "full")
        #expect(b.species == nil && b.donorID == nil && b.donorName == "R, 1")
        #expect(b.row["donor__species"] == "rat" && a.row["specimen__name"] == "a" && a.row["si__path"] == .null)
        let lines = String(decoding: bench.source.list.cellsCSV, as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 3 && lines.contains { $0.contains("\"R, 1\"") })
        #expect(bench.source.list.cellsJSON == Array("[]".utf8))
        #expect(bench.source.texts(of: bench.source.list).notes.contains(folder.path))
    }

    @Test func planesStandAtTheNumbersOfTheirNames() throws {
        let folder = try TestFolder()
        var pixels: [Int: [UInt8]] = [:]
        for number in [8, 9, 11] {
            pixels[number] = try folder.tiff("a/stack/p\(number).tif", pages: 1, seed: number)[0]
        }
        let bench = try FolderBench(folder)
        defer { bench.close() }
        let stack = try #require(try bench.objects("a").stack)
        #expect(stack.depth == 4 && stack.firstSection == 8 && stack.plane(at: 2) == nil)
        for (index, number) in [(0, 8), (1, 9), (3, 11)] {
            #expect(try bench.pixels("a", plane: index) == pixels[number])
        }
        #expect(stack.planes.allSatisfy { $0.imageID >= 16 && $0.imageID < 1 << 53 })
    }

    @Test func aPlaneThatCannotBeReadIsAMissingPlane() throws {
        let folder = try TestFolder()
        for number in 0..<4 { try folder.tiff("a/stack/\(number).tif", pages: number == 2 ? 2 : 1) }
        try folder.write("a/stack/1.tif", "no TIFF")
        let bench = try FolderBench(folder)
        defer { bench.close() }
        let stack = try #require(try bench.objects("a").stack)
        #expect(stack.depth == 4 && stack.planes.map(\.sectionNumber) == [0, 3])
        #expect(bench.log.messages(.warning).count == 2)
        // Another plane is repaired: the first two are known, and are not told again.
        try folder.tiff("a/stack/2.tif", pages: 1)
        _ = try bench.rescan()
        #expect(try bench.objects("a").stack?.planes.map(\.sectionNumber) == [0, 2, 3])
        #expect(bench.log.messages(.warning).count == 2)
    }

    @Test func a16BitStackKeepsItsBits() throws {
        let folder = try TestFolder()
        let pixels = try folder.tiff("a/a.tif", bits: 16)
        let bench = try FolderBench(folder)
        defer { bench.close() }
        let stack = try #require(try bench.objects("a").stack)
        #expect(stack.bits == 16 && (stack.width, stack.height) == (45, 37))
        #expect(try bench.pixels("a", plane: 1) == pixels[1])
    }
}
