import Specimens
import Support
import Testing

@testable import FileTree

@Suite struct EntryTests {
    /// Every entry from `directory` on, by its path.
    private func walk(_ bench: TreeBench, _ directory: InodeNumber, _ path: String) throws -> [String: DirectoryEntry] {
        var found: [String: DirectoryEntry] = [:]
        let children = try bench.children(of: directory).get()
        #expect(Set(children.map(\.name)).count == children.count, "\(path)")
        for child in children {
            let place = path.isEmpty ? child.name : "\(path)/\(child.name)"
            found[place] = child
            guard child.kind == .directory else { continue }
            #expect(bench.tree.countLookup(of: child))
            found.merge(try walk(bench, child.inode, place)) { first, _ in first }
        }
        return found
    }

    @Test func aListingALookupAndTheAttributesAgreeOnEveryNameAndDirectoriesCountTheirSubdirectories() throws {
        // Cell 1 would wait for its skeleton, where chunks of labels are.
        var objects = Cells.objects
        objects[2] = SpecimenObjects(spacing: Cells.spacing)
        objects[4] = SpecimenObjects(stack: Cells.stack, spacing: Cells.spacing)
        let cells = Array(Cells.list[1...]) + [Cells.cell(4, hasImages: true)]
        let bench = try TreeBench(cells, objects: objects, records: Cells.records)
        defer { bench.close() }
        let found = try walk(bench, .root, "")
        for place in [
            "README.txt", ".neuronfs/status.json", "by-name/cell 2", "splits/train", "mouse/4/stack.ome.zarr/0/1/0/1",
        ] {
            #expect(found[place] != nil, "\(place) of \(found.count)")
        }
        for (place, entry) in found {
            let path = place.split(separator: "/")
            let parent =
                path.count == 1 ? InodeNumber.root : try #require(found[path.dropLast().joined(separator: "/")]).inode
            let lookup = try #require(bench.lookup(String(path[path.count - 1]), in: parent), "\(place) waits").get()
            let attributes = try bench.attributes(of: entry.inode).get()
            #expect(
                lookup.inode == entry.inode && lookup.kind == entry.kind && attributes.kind == entry.kind, "\(place)")
            #expect(
                attributes.size == lookup.size && entry.attributes.map { $0.size == lookup.size } != false, "\(place)")
            if entry.kind != .link { #expect(bench.tree.path(of: entry.inode) == place) }
            guard entry.kind == .directory else { continue }
            let below = found.filter {
                $0.key.hasPrefix("\(place)/") && !$0.key.dropFirst(place.count + 1).contains("/")
            }
            // Cell 3 has images by its row, and no usable plane.
            let subdirectories = place == "mouse/3" ? 3 : below.values.count { $0.kind == .directory }
            #expect(attributes.linkCount == 2 + subdirectories, "\(place)")
        }
    }

    /// Acronyms that no folder can have as they are, and two that give one folder name.
    @Test func twoNamesHaveOneNumberOnlyIfTheyAreTheSameFile() throws {
        func cell(_ id: Int, _ structure: String, _ parent: String?) -> Specimen {
            Specimen(
                id: id, name: "twin", place: Place(.mouse, id), species: .mouse, structureAcronym: structure,
                structureParentAcronym: parent,
                layer: "2/3", skeleton: .file(11, of: id), hasImages: true, row: RowText(JSONObject()))
        }
        let cells = [
            cell(1, "VISp\u{7}5", "VISp\u{7}"), cell(2, "VISp2/3", "VISp2-3"), cell(3, "VISp2-3", "VISp"),
            cell(4, ".a", "."), cell(5, "VISp", nil),
        ]
        var objects: [Int: SpecimenObjects] = [:]
        for cell in cells {
            objects[cell.id] = SpecimenObjects(
                stack: Cells.stack, spacing: Cells.spacing, skeleton: SourceObject(id: CellWorld.skeleton(cell.id)))
        }
        let bench = try TreeBench(cells, objects: objects, blocks: CellWorld().blocks())
        defer { bench.close() }
        let found = try walk(bench, .root, "")
        #expect(found.count > 200)
        for (inode, shared) in Dictionary(grouping: found, by: \.value.inode) {
            let names = shared[0].value.kind == .file ? try bench.attributes(of: inode).get().linkCount : 1
            #expect(shared.count == names, "\(shared.map(\.key))")
        }
    }

    @Test func aDirectoryAFileAndALinkEachRefuseWhatTheyAreNot() throws {
        let bench = try TreeBench(Cells.list, objects: Cells.objects, records: Cells.records)
        defer { bench.close() }
        func code<Value>(_ result: Result<Value, FileTreeError>?) -> Errno? {
            if case .failure(let error) = result { error.errno } else { nil }
        }
        let notDirectory = FileTreeError.notDirectory.errno
        for node in [Node.topFile(.readme), .specimenFile(1, .meta), .plane(1, .stack, 0), .link(.name, 1)] {
            #expect(code(bench.lookup("x", in: node)) == notDirectory && code(bench.children(of: node)) == notDirectory)
        }
        let folders = [Node.root, .specimen(1), .planes(1, .stack), .zarr(1, .stack, 0), .trainable]
        for node in folders { #expect(code(bench.open(node)) == FileTreeError.isDirectory.errno, "\(node)") }
        for node in folders + [.topFile(.readme), .specimenFile(1, .meta)] {
            let error = #expect(throws: FileTreeError.self) { try bench.tree.readLink(#require(node.inode)) }
            #expect(error?.errno == FileTreeError.notLink.errno, "\(node)")
        }
        #expect(try bench.tree.readLink(#require(Node.link(.name, 1).inode)) == "../mouse/1")
        #expect(code(bench.attribute("user.neuronfs.url", of: .topFile(.readme))) == FileTreeError.noAttribute.errno)
        #expect(code(bench.attributes(of: .group(.layer, 7))) == FileTreeError.notFound.errno)
    }

    /// Nodes and names that the kernel has to forget when objects of cell 1 change.
    private func stale(after ids: ObjectID...) throws -> (nodes: Set<Node>, names: [String]) {
        let bench = try TreeBench(Cells.list, objects: Cells.objects, records: Cells.records)
        defer { bench.close() }
        let objects = try #require(Cells.objects[1])
        let context = SpecimenContext(specimen: Cells.list[0], objects: objects, skeletonModified: nil)
        let stale = StaleEntries(
            madeFrom: ChangedObjects(ids, of: Cells.list[0]), context, TreeIndex(bench.source.list, bench.source))
        return (Set(stale.entries.map(\.node)), stale.names.map(\.name))
    }

    @Test func aChangedImageMakesItsPlaneAndTheVolumeStaleAChangedRecordingItselfAlone() throws {
        let files: [SpecimenFile] = [.stackVolume, .stackArray]
        let expected = Set(files.map { Node.specimenFile(1, $0) } + [.plane(1, .stack, 1)])
        #expect(try stale(after: .image(101, of: 1)) == (expected, []))
        #expect(try stale(after: .image(999, of: 1)) == ([], []))
        let planes = [0, 3].map { Node.plane(1, .stack, $0) }
        let volumes = files.map { Node.specimenFile(1, $0) }
        #expect(try stale(after: .image(100, of: 1), .image(103, of: 1)) == (Set(volumes + planes), []))
        #expect(try stale(after: .file(12, of: 1)) == ([.specimenFile(1, .recording)], []))
    }

    @Test func aChangedSkeletonMakesAllThatIsDrawnFromItStaleAndTheNamesOfTheStoreOfLabels() throws {
        let files: [SpecimenFile] = [.meta, .skeleton, .marker, .instances, .labelVolume, .labelArray]
        let planes = Series.allCases.filter { $0 != .stack }.flatMap { series in
            [0, 1, 3].map { Node.plane(1, series, $0) }
        }
        let expected = Set(files.map { Node.specimenFile(1, $0) } + planes)
        // In the cell's own folder, in trainable/ and in splits/.
        let names = ["labels.ome.zarr", "labels"].flatMap { [String](repeating: $0, count: 3) }
        #expect(try stale(after: .file(11, of: 1)) == (expected, names))
    }

    @Test func aNewerListOfCellsMakesStaleWhatItChangesAndNothingElse() throws {
        func index(_ cells: [Specimen]) throws -> TreeIndex {
            let bench = try TreeBench(cells)
            defer { bench.close() }
            return TreeIndex(bench.source.list, bench.source)
        }
        let older = try index(Cells.list)
        let same = StaleEntries(of: older, replacedBy: try index(Cells.list))
        #expect(same.entries.isEmpty && same.names.isEmpty)
        let newer = try index([Cells.list[0], Cells.cell(2, layer: "2/3"), Cells.cell(4)])
        let stale = StaleEntries(of: older, replacedBy: newer)
        let layer = try #require(newer.groups(.layer).first)
        let nodes = Set(stale.entries.map(\.node))
        let expected: [Node] = [
            .species(.mouse), .grouping(.name), .grouping(.layer), .group(.layer, layer.hash), .topFile(.cellsCSV),
            .topFile(.cellsJSON), .specimen(2), .specimenFile(2, .meta), .specimen(4),
        ]
        #expect(nodes.isSuperset(of: expected))
        #expect(nodes.isDisjoint(with: [.specimen(1), .root, .trainableSpecies(.mouse), .split(.train)]))
        func names(_ node: Node) -> Set<String> {
            Set(stale.names.filter { $0.directory.node == node }.map(\.name))
        }
        #expect(names(.species(.mouse)) == ["3", "4"] && names(.grouping(.layer)) == ["2-3"])
        #expect(names(.group(.layer, layer.hash)) == ["2"] && names(.grouping(.name)) == ["cell 3", "cell 4"])
        #expect(names(.specimen(2)) == Set(SpecimenFolder(id: 2).entries.map(\.place)))
    }
}
