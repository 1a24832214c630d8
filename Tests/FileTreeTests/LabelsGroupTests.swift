import Specimens
import Support
import Testing

@testable import FileTree

/// Labels where OME-Zarr puts them: `stack.ome.zarr/labels/classes`.
@Suite struct LabelsGroupTests {
    private func bench() throws -> TreeBench {
        let world = CellWorld()
        let objects = world.cells.map { ($0.id, world.objects($0)) }
        return try TreeBench(
            world.specimens(), objects: Dictionary(uniqueKeysWithValues: objects), blocks: world.blocks())
    }

    /// The attributes of everything below `path`, by path below it.
    private func walk(_ bench: TreeBench, _ path: String) throws -> [String: FileAttributes] {
        var found: [String: FileAttributes] = [:]
        for child in try bench.children(of: bench.inode(path)).get() {
            let attributes = try bench.attributes(of: bench.inode("\(path)/\(child.name)")).get()
            #expect(attributes.inode == child.inode)
            found[child.name] = attributes
            guard attributes.kind == .directory else { continue }
            for (name, below) in try walk(bench, "\(path)/\(child.name)") { found["\(child.name)/\(name)"] = below }
        }
        return found
    }

    private func bytes(_ bench: TreeBench, _ path: String) throws -> [UInt8] {
        let answer = ReadAnswer()
        try bench.open(bench.inode(path)).get()
            .read(offset: 0, count: 1 << 24, isDirect: true, token: CancellationToken(), receiver: answer)
        return try answer.wait().get()
    }

    /// A cell with a computed number, the same in a view, and cells with hashed numbers.
    private static let cells = ["mouse/7", "trainable/mouse/7", "mouse/5000000000", "trainable/mouse/5000000000"]

    @Test(arguments: cells) func theStoreHoldsTheSameFilesAndOtherDirectories(_ cell: String) throws {
        let bench = try bench()
        defer { bench.close() }
        let own = try walk(bench, "\(cell)/labels.ome.zarr")
        let nested = try walk(bench, "\(cell)/stack.ome.zarr/labels/classes")
        #expect(own.keys == nested.keys && own.values.contains { $0.size > 100_000 })
        let different: Set = [".zattrs", ".zmetadata"]
        for (name, attributes) in nested {
            let other = try #require(own[name])
            let isShared = attributes.kind == .file && !different.contains(name)
            #expect((attributes.inode == other.inode) == isShared, "\(name)")
            #expect(attributes.kind == other.kind && attributes.modified == other.modified, "\(name)")
            guard attributes.kind == .file else {
                #expect(attributes.linkCount == other.linkCount, "\(name)")
                continue
            }
            // The names in the cell's own folder, in trainable/ and in a part of splits/.
            #expect(attributes.linkCount == (isShared ? 6 : 3), "\(name)")
            #expect(!isShared || attributes.size == other.size, "\(name)")
            if isShared { continue }
            let (here, there) = (
                try bytes(bench, "\(cell)/stack.ome.zarr/labels/classes/\(name)"),
                try bytes(bench, "\(cell)/labels.ome.zarr/\(name)")
            )
            #expect(here != there && here.count == attributes.size)
        }
        let group = try walk(bench, "\(cell)/stack.ome.zarr/labels").filter { !$0.key.contains("/") }
        #expect(group.keys.sorted() == [".zattrs", ".zgroup", "classes"])
        let attributes = try JSONValue.parse(bytes(bench, "\(cell)/stack.ome.zarr/labels/.zattrs"))
        #expect(attributes == ["labels": .array([.string("classes")])])
        let label = try JSONValue.parse(bytes(bench, "\(cell)/stack.ome.zarr/labels/classes/.zattrs"))
        #expect(label["image-label"]?["source"]?["image"]?.stringValue == "../../")
        let all = try JSONValue.parse(bytes(bench, "\(cell)/stack.ome.zarr/.zmetadata"))
        #expect(all["metadata"]?["labels/classes/.zattrs"] == label)
        let store = try bench.attributes(of: bench.inode("\(cell)/stack.ome.zarr")).get()
        let directories = try bench.children(of: bench.inode("\(cell)/stack.ome.zarr")).get()
            .count { $0.kind == .directory }
        #expect(store.linkCount == 2 + directories)
    }

    @Test func aCellWithoutASkeletonHasNoLabelsInItsStore() throws {
        let objects = [4: SpecimenObjects(stack: Cells.stack, spacing: Cells.spacing)]
        let bench = try TreeBench([Cells.cell(4, hasImages: true)], objects: objects)
        defer { bench.close() }
        let store = try bench.inode("mouse/4/stack.ome.zarr")
        _ = try bench.attributes(of: store).get()
        #expect(bench.lookup("labels", in: store)?.isAbsent == true)
        #expect(try !bench.children(of: store).get().map(\.name).contains("labels"))
        let all = try JSONValue.parse(bytes(bench, "mouse/4/stack.ome.zarr/.zmetadata"))
        #expect(all["metadata"]?["labels/.zgroup"] == nil && all["metadata"]?[".zgroup"] != nil)
        for node in [
            Node.labelsGroup(4, .directory), .labelsGroup(4, .attributes), .nestedLabels(4, 0), .nestedLabels(4, 2),
        ] {
            #expect(bench.attributes(of: node).isNotFound, "\(node)")
        }
    }

    @Test func aFileThatIsTheSameHasNoSecondNumber() throws {
        let bench = try bench()
        defer { bench.close() }
        _ = try walk(bench, "mouse/7/labels.ome.zarr")
        // .zgroup, and .zarray of level 0.
        for number in [1, 4] {
            #expect(try bench.attributes(of: .zarr(7, .labels, number)).get().kind == .file)
            #expect(bench.attributes(of: .nestedLabels(7, number)).isNotFound)
            #expect(bench.open(.nestedLabels(7, number)).isNotFound)
        }
        #expect(try bench.attributes(of: .nestedLabels(7, 2)).get().kind == .file)
    }

    @Test func theKernelForgetsTheLabelsOfEveryPlaceWhenTheSkeletonChanges() throws {
        let bench = try bench()
        defer { bench.close() }
        let changes = Monitor<[Invalidation]>([])
        bench.tree.onInvalidation { change in changes.update { $0.append(change) } }
        _ = try walk(bench, "mouse/7/stack.ome.zarr")
        bench.change(CellWorld.skeleton(7))
        let names = changes.wait { all in all.isEmpty ? nil : all.flatMap(\.names) }
        _ = try bench.attributes(of: .zarr(7, .stack, 0)).get()
        for place in ["mouse/7", "trainable/mouse/7"] {
            let store = try bench.inode("\(place)/stack.ome.zarr")
            #expect(names.contains(Invalidation.Name(directory: store, name: "labels")), "\(place)")
        }
        #expect(Set(names.filter { $0.name == "labels" }).count == 3)
    }
}
