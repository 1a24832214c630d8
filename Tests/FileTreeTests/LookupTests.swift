import Testing

@testable import FileTree

@Suite struct LookupTests {
    @Test func aNameThatFixesTheTypeIsAnsweredAtOnceWhileTheOriginAnswersNothing() throws {
        let bench = try TreeBench(Cells.list)
        defer { bench.close() }
        for entry in SpecimenFolder(id: 1).entries {
            let found = try #require(bench.lookup(entry.place, in: .specimen(1)), "\(entry.place) waits").get()
            #expect(found.isProvisional)
            #expect(found.inode == entry.node.inode && found.kind == entry.kind)
            #expect(found.size == (entry.kind == .file ? 0 : 4096), "nothing was told")
        }
        let plane = try #require(bench.lookup("0007.tif", in: .planes(1, .labels))).get()
        #expect(plane.isProvisional && plane.kind == .file && plane.inode == Node.plane(1, .labels, 7).inode)
        let picture = try #require(bench.lookup("min_yz.jpg", in: .projections(1))).get()
        #expect(picture.isProvisional && picture.inode == Node.projection(1, .minYZ).inode)
    }

    @Test func aNameThatCannotBeIsAbsentAtOnceByItselfOrByTheRowOfItsCell() throws {
        let bench = try TreeBench(Cells.list)
        defer { bench.close() }
        let absent: [(Node, [String])] = [
            (.specimen(1), [".git", "stack2"]), (.planes(1, .stack), ["7.tif", "10000.tif", "thumbs.db"]),
            (.projections(1), ["max_xz.jpg"]),
            (.specimen(2), SpecimenFolder(id: 2).entries.map(\.place).filter { $0 != "meta.json" }),
            (.specimen(3), ["skeleton.swc", "skeleton.marker", "ephys.nwb", "labels", "labels.ome.zarr"]),
            (.planes(3, .labels), ["0000.tif"]), (.planes(2, .stack), ["0000.tif"]), (.specimen(9), ["meta.json"]),
        ]
        for (parent, names) in absent {
            for name in names { #expect(bench.lookup(name, in: parent)?.isAbsent == true, "\(parent) \(name)") }
        }
        for name in ["meta.json", "stack"] { #expect(bench.lookup(name, in: .specimen(3))?.isAbsent == false) }
    }

    @Test func insideAZarrStoreTheGeometryDecidesSoThatALookupWaitsUntilItIsKnown() throws {
        let silent = try TreeBench(Cells.list)
        defer { silent.close() }
        #expect(silent.lookup("0", in: .zarr(1, .stack, 0)) == nil)
        let bench = try TreeBench(Cells.list, objects: Cells.objects, records: Cells.records)
        defer { bench.close() }
        _ = try bench.attributes(of: .zarr(1, .stack, 0)).get()
        let level = try #require(bench.lookup("0", in: .zarr(1, .stack, 0))).get()
        #expect(!level.isProvisional && level.kind == .directory)
        #expect(bench.lookup("9", in: .zarr(1, .stack, 0))?.isAbsent == true)
        // Whether a chunk of labels is there depends on the skeleton, which is not here.
        var parent = Node.zarr(1, .labels, 0)
        for name in ["0", "0", "0"] {
            let inode = try #require(bench.lookup(name, in: parent)).get().inode
            parent = try #require(Node(inode))
        }
        let chunk = try #require(bench.lookup("0", in: parent)).get()
        #expect(chunk.isProvisional && chunk.kind == .file && chunk.size == 32 * 256 * 256)
    }

    @Test func whatTurnedOutToBeThereIsToldForGoodWhatDidNotIsAbsentToEveryCall() throws {
        let bench = try TreeBench(Cells.list, objects: Cells.objects, records: Cells.records)
        defer { bench.close() }
        #expect(try bench.lookup("0002.tif", in: .planes(1, .stack))?.get().isProvisional == true)
        #expect(bench.attributes(of: .plane(1, .stack, 2)).isNotFound)
        #expect(bench.lookup("0002.tif", in: .planes(1, .stack))?.isAbsent == true)
        for series in [Series.stack, .labels] {
            #expect(bench.attributes(of: .plane(1, series, 2)).isNotFound)
            #expect(bench.open(.plane(1, series, 2)).isNotFound)
            #expect(bench.attribute("user.neuronfs.url", of: .plane(1, series, 2)).isNotFound)
        }
        for name in ["0001.tif", "0003.tif"] {
            let found = try #require(bench.lookup(name, in: .planes(1, .stack))).get()
            #expect(!found.isProvisional && found.size > 600 * 500)
        }
        #expect(try bench.lookup("skeleton.swc", in: .specimen(1))?.get().size == 1111)
        #expect(bench.lookup("skeleton.marker", in: .specimen(1))?.isAbsent == true)
        #expect(bench.attributes(of: .specimenFile(1, .marker)).isNotFound)
        #expect(bench.open(.specimenFile(1, .marker)).isNotFound)
        // No plane of cell 3 is usable: it has no folders.
        for node in [Node.planes(3, .stack), .projections(3), .zarr(3, .stack, 0)] {
            #expect(bench.children(of: node).isNotFound)
            #expect(bench.attributes(of: node).isNotFound)
        }
        #expect(bench.open(.specimenFile(3, .stackVolume)).isNotFound)
        #expect(bench.lookup("stack", in: .specimen(3))?.isAbsent == true)
    }

    @Test func aSizeThatWasToldIsToldAgainWhileItIsNotKnown() throws {
        let bench = try TreeBench(Cells.list, objects: Cells.objects, records: Cells.records)
        defer { bench.close() }
        let plane = try bench.attributes(of: .plane(1, .stack, 1)).get().size
        let skeleton = try bench.attributes(of: .specimenFile(1, .skeleton)).get().size
        #expect(try bench.children(of: .specimen(1)).get().contains { $0.name == "stack.tif" })
        let volume = try #require(bench.lookup("stack.tif", in: .specimen(1))).get()
        #expect(!volume.isProvisional && plane > 0 && skeleton == 1111)
        bench.change(.image(100, of: 1))
        let again = [
            (bench.lookup("0001.tif", in: .planes(1, .stack)), plane),
            (bench.lookup("skeleton.swc", in: .specimen(1)), skeleton),
            (bench.lookup("stack.tif", in: .specimen(1)), volume.size),
        ]
        for (found, size) in again {
            let found = try #require(found).get()
            #expect(found.isProvisional && found.size == size)
            let open = try #require(bench.tree.attributes(ofOpen: found.inode))
            #expect(open.isProvisional && open.size == size)
        }
        #expect(try bench.attributes(of: .plane(1, .stack, 1)).get().size == plane)
        #expect(try bench.lookup("0001.tif", in: .planes(1, .stack))?.get().isProvisional == false)
        #expect(try bench.tree.attributes(ofOpen: #require(Node.plane(1, .stack, 1).inode))?.isProvisional == false)
        #expect(bench.tree.attributes(ofOpen: InodeNumber(rawValue: 7)) == nil)
    }

    @Test func filesOfOneFolderHaveTheSizeThatEachWasToldAndAnothersBeforeThat() {
        let sizes = ToldSizes()
        let planes = (0..<4).map { PlaneEntry(id: 1, index: $0, series: .stack) }
        #expect(sizes.size(of: planes[0]) == nil)
        sizes.note(10, of: planes[0])
        sizes.note(20, of: planes[1])
        sizes.note(10, of: planes[2])
        #expect(planes.map { sizes.size(of: $0) } == [10, 20, 10, 10])
        sizes.note(10, of: planes[1])
        sizes.note(30, of: planes[2])
        #expect(planes.map { sizes.size(of: $0) } == [10, 10, 30, 10])
        #expect(sizes.size(of: PlaneEntry(id: 1, index: 0, series: .labels)) == nil)
        #expect(sizes.size(of: MetaEntry(id: 1)) == nil)
    }
}
