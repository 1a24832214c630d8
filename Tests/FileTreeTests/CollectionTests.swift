import Specimens
import Support
import TestTools
import Testing

@testable import FileTree

/// A source whose specimens stand in a top folder of its own, with 16-bit images of which it makes no smaller ones.
@Suite struct CollectionTests {
    private static let ids = [9_000_000_001: "Zelle ä", 9_000_000_002: "cell 10", 9_000_000_003: "a"]
    private static let spacing = VoxelSpacing(x: 0.5, y: 0.25, z: 2)

    private static let stack = ImageStack(
        planes: (0..<2).map { section in
            PlaneImage(
                imageID: 100 + section, sectionNumber: section, x: 0, y: 0, width: 1500, height: 1200, frameWidth: 1500,
                frameHeight: 1200, xSpacing: spacing.x, ySpacing: spacing.y, bits: 16)
        }, zSpacing: spacing.z)

    private func bench(blocks: ScriptedSource = ScriptedSource()) throws -> TreeBench {
        let specimens = Self.ids.map { id, name in
            Specimen(
                id: id, name: name, place: Place(collection: "mine", folder: name), species: nil,
                layer: "2/3", skeleton: .file(1, of: id), hasImages: true,
                row: RowText(["specimen__id": .int(id)]))
        }
        let objects = Self.ids.mapValues { _ in
            SpecimenObjects(stack: Self.stack, spacing: Self.spacing, largestLevel: 0)
        }
        return try TreeBench(
            Cells.list + specimens, objects: objects.merging(Cells.objects) { first, _ in first }, blocks: blocks)
    }

    private func find(_ path: String, _ bench: TreeBench) throws -> FileAttributes {
        try path.split(separator: "/").reduce(bench.attributes(of: InodeNumber.root).get()) { parent, name in
            try bench.attributes(
                of: #require(bench.lookup(String(name), in: parent.inode), "\(name) waits").get().inode
            ).get()
        }
    }

    @Test func theFolderStandsAtTheTopAndListsByName() throws {
        let bench = try bench()
        defer { bench.close() }
        let top = try bench.children(of: InodeNumber.root).get().map(\.name)
        #expect(top.contains("mine") && top.contains("mouse"))
        let folder = try find("mine", bench)
        #expect(folder.inode.isHashed && folder.linkCount == 5)
        #expect(try bench.children(of: folder.inode).get().map(\.name) == ["Zelle ä", "a", "cell 10"])
        #expect(bench.lookup("9000000001", in: folder.inode)?.isAbsent == true)
        #expect(try bench.children(of: find("mouse", bench).inode).get().map(\.name) == ["1", "2", "3"])
        let cell = try find("mine/Zelle ä", bench)
        #expect(bench.tree.path(of: cell.inode) == "mine/Zelle ä")
    }

    @Test func viewsAndLinksHaveNamesThatAreUniqueAmongAllSpecimens() throws {
        let bench = try bench()
        defer { bench.close() }
        #expect(try bench.children(of: Node.trainable).get().map(\.name) == ["mouse", "human", "mine"])
        let trainable = try find("trainable/mine", bench)
        #expect(try bench.children(of: trainable.inode).get().map(\.name) == ["Zelle ä", "a", "cell 10"])
        let parts = try SplitPart.allCases.map { try bench.children(of: Node.split($0)).get().map(\.name) }
        #expect(parts.flatMap(\.self).sorted() == ["1", "mine-Zelle ä", "mine-a", "mine-cell 10"].sorted())
        let part = try #require(parts.firstIndex { $0.contains("mine-a") })
        let folder = "splits/\(SplitPart.allCases[part].rawValue)/mine-a"
        #expect(try find("\(folder)/stack.npy", bench).inode == find("mine/a/stack.npy", bench).inode)
        #expect(try find("\(folder)/stack", bench).inode != find("mine/a/stack", bench).inode)
        #expect(try find("trainable/mine/a/stack.npy", bench).linkCount == 3)
        let link = try find("by-layer/2-3/mine-a", bench)
        #expect(try bench.tree.readLink(link.inode) == "../../mine/a")
    }

    @Test func imagesKeepTheirSixteenBits() throws {
        let bench = try bench()
        defer { bench.close() }
        let plane = 1500 * 1200 * 2
        #expect(try find("mine/a/stack.npy", bench).size - 2 * plane == 4096)
        #expect(plane..<plane + 65_536 ~= (try find("mine/a/stack/0001.tif", bench).size))
        #expect(try find("mine/a/stack.ome.zarr/0/0/0/0", bench).size == 512 * 512 * 2)
    }

    @Test(arguments: [("stack/0001.tif", 1), ("stack.tif", 2), ("stack.ome.zarr/0/1/0/0", 1)])
    func anOpenAsksALocalSourceForTheVersionOfEachPlaneThatItShows(_ name: String, _ planes: Int) throws {
        let blocks = ScriptedSource()
        blocks.isLocal.update { $0 = true }
        let bench = try bench(blocks: blocks)
        defer { bench.close() }
        let file = try find("mine/a/\(name)", bench)
        for count in 1...2 {
            _ = try bench.open(file.inode).get()
            #expect(blocks.statCount == count * planes)
        }
    }

    @Test func onlyTheLevelsThatTheSourceMakesAreThere() throws {
        let bench = try bench()
        defer { bench.close() }
        let store = try find("mine/a/stack.ome.zarr", bench)
        let names = try bench.children(of: store.inode).get().map(\.name)
        #expect(names.contains("0") && !names.contains("1"))
        #expect(bench.lookup("1", in: store.inode)?.isAbsent == true)
    }
}
