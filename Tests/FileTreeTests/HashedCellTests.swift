import Glibc
import Specimens
import Support
import Testing

@testable import FileTree

/// Two cells whose ids need more than 32 bits: one with images and a recording, one trainable.
private enum LargeCells {
    static let first = 5_000_000_000
    static let traced = 6_000_000_000

    static let list = [
        Specimen(
            id: first, name: "large 5", place: Place(.mouse, first), species: .mouse, recording: .file(12, of: first),
            hasImages: true,
            row: RowText(JSONObject())),
        Specimen(
            id: traced, name: "large 6", place: Place(.mouse, traced), species: .mouse, layer: "4",
            skeleton: .file(11, of: traced),
            hasImages: true, row: RowText(JSONObject())),
    ]

    private static let objects = [
        first: SpecimenObjects(
            stack: Cells.stack, spacing: Cells.spacing, recording: SourceObject(id: .file(12, of: first))),
        traced: SpecimenObjects(
            stack: Cells.stack, spacing: Cells.spacing, skeleton: SourceObject(id: .file(11, of: traced))),
    ]

    private static let records = [(12, first), (11, traced)].map { file, id in
        ObjectRecord(id: .file(file, of: id), length: 100 * file, tag: "1", checkedAt: wallClockSeconds())
    }

    static func bench(table: NodeTable = NodeTable(identity: "test")) throws -> TreeBench {
        try TreeBench(list, objects: objects, records: records, table: table)
    }
}

extension TreeBench {
    /// Looks up all names below `directory`, opens every file, and gives the inode of each path.
    fileprivate func walk(_ directory: InodeNumber, _ path: String) throws -> [String: InodeNumber] {
        var inodes: [String: InodeNumber] = [:]
        for child in try children(of: directory).get() {
            let place = "\(path)/\(child.name)"
            let found = try #require(lookup(child.name, in: directory), "\(place) waits").get()
            #expect(found.inode == child.inode && found.kind == child.kind, "\(place)")
            // What is known of the recording is on disk, not in memory.
            #expect(found.isProvisional == (child.name == "ephys.nwb"), "\(place)")
            let told = try attributes(of: found.inode).get()
            #expect(told.kind == found.kind && told.inode == found.inode, "\(place)")
            #expect(found.isProvisional || told.size == found.size, "\(place)")
            #expect(tree.path(of: found.inode) == place)
            inodes[place] = found.inode
            switch found.kind {
            case .directory: inodes.merge(try walk(found.inode, place)) { first, _ in first }
            case .file: _ = try open(found.inode).get()
            case .link: break
            }
        }
        return inodes
    }
}

@Suite struct HashedCellTests {
    private static let folder = "mouse/5000000000"

    @Test func suchACellIsListedLookedUpStatedAndOpenedLikeAnyOther() throws {
        let bench = try LargeCells.bench()
        defer { bench.close() }
        #expect(try bench.children(of: .species(.mouse)).get().map(\.name) == ["5000000000", "6000000000"])
        let inode = try bench.inode(Self.folder)
        let inodes = try bench.walk(inode, Self.folder)
        for name in [
            "meta.json", "ephys.nwb", "stack.tif", "stack/0003.tif", "stack.ome.zarr/.zattrs", "stack.ome.zarr/0/1/0/1",
        ] {
            #expect(inodes["\(Self.folder)/\(name)"] != nil, "\(name)")
        }
        #expect(inodes["\(Self.folder)/skeleton.swc"] == nil && inodes["\(Self.folder)/stack/0002.tif"] == nil)
        #expect(Set(inodes.values).count == inodes.count && inodes.values.allSatisfy { $0.isHashed })
        let recording = try #require(inodes["\(Self.folder)/ephys.nwb"])
        #expect(try bench.attributes(of: recording).get().size == 1200)
        let url = try bench.attribute("user.neuronfs.url", of: recording).get()
        #expect(!url.isEmpty)
        #expect(bench.lookup("skeleton.swc", in: inode)?.isAbsent == true)
    }

    @Test func linksToSuchACellHaveNumbersOfTheirOwn() throws {
        let bench = try LargeCells.bench()
        defer { bench.close() }
        let paths = ["by-layer/4/6000000000", "by-name/large 6"]
        let inodes = try paths.map(bench.inode)
        #expect(Set(inodes).count == 2 && inodes.allSatisfy { $0.isHashed })
        for (inode, up) in zip(inodes, ["../../", "../"]) {
            #expect(try bench.tree.readLink(inode) == "\(up)mouse/6000000000")
            #expect(try bench.attributes(of: inode).get().kind == .link)
        }
    }

    @Test func twoTreesOfOneDatabaseGiveEqualNumbersInWhateverOrderNamesAreLookedUp() throws {
        let benches = [try LargeCells.bench(), try LargeCells.bench()]
        defer { for bench in benches { bench.close() } }
        // Inside a store a lookup waits until the geometry is in memory.
        _ = try benches[1].attributes(of: benches[1].inode("\(Self.folder)/stack.ome.zarr")).get()
        let last = try benches[1].inode("\(Self.folder)/stack.ome.zarr/0/1/0/1")
        let walks = try benches.map { try $0.walk($0.inode(Self.folder), Self.folder) }
        #expect(walks[0] == walks[1] && walks[0]["\(Self.folder)/stack.ome.zarr/0/1/0/1"] == last)
        #expect(walks[0]["\(Self.folder)/stack"] == NodeTable(identity: "test").number(of: "\(Self.folder)/stack"))
    }

    @Test func aNumberMeansItsNameUntilTheKernelHasForgottenItAsOftenAsItWasTold() throws {
        let bench = try LargeCells.bench()
        defer { bench.close() }
        let folder = try bench.inode(Self.folder)
        let plane = try bench.inode("\(Self.folder)/stack/0001.tif")
        #expect(try bench.inode(Self.folder) == folder)
        // Looked up three times: by itself, on the way to the plane, and again.
        bench.tree.forget(folder, count: 2)
        #expect(try bench.attributes(of: folder).get().kind == .directory)
        bench.tree.forget(folder, count: 1)
        #expect(bench.attributes(of: folder).isNotFound && bench.children(of: folder).isNotFound)
        #expect(bench.lookup("stack", in: folder)?.isAbsent == true && bench.tree.path(of: folder) == nil)
        // What is below it is held by itself.
        #expect(try bench.attributes(of: plane).get().size > 600 * 500)
        bench.tree.forget(plane, count: 1)
        #expect(bench.open(plane).isNotFound && bench.attributes(of: plane).isNotFound)
        #expect(bench.attribute("user.neuronfs.url", of: plane).isNotFound)
        #expect(bench.tree.attributes(ofOpen: plane) == nil)
        #expect(throws: FileTreeError.self) { try bench.tree.readLink(plane) }
        #expect(try bench.inode("\(Self.folder)/stack/0001.tif") == plane)
        #expect(try bench.attributes(of: plane).get().inode == plane)
    }

    @Test func anEntryOfReaddirplusCountsAsALookupOneOfReaddirDoesNot() throws {
        let bench = try LargeCells.bench()
        defer { bench.close() }
        let folder = try bench.inode(Self.folder)
        let stack = try #require(bench.children(of: folder).get().first { $0.name == "stack" })
        #expect(stack.inode.isHashed && bench.attributes(of: stack.inode).isNotFound)
        #expect(bench.tree.countLookup(of: stack) && bench.tree.countLookup(of: stack))
        #expect(try bench.attributes(of: stack.inode).get().kind == .directory)
        bench.tree.forget(stack.inode, count: 2)
        #expect(bench.attributes(of: stack.inode).isNotFound)
        // A computed number means its node whatever was told and forgotten.
        let mouse = try #require(bench.children(of: InodeNumber.root).get().first { $0.name == "mouse" })
        #expect(bench.tree.countLookup(of: mouse))
        bench.tree.forget(mouse.inode, count: 9)
        #expect(try bench.attributes(of: mouse.inode).get().kind == .directory)
    }

    @Test func ofTwoPathsWithOneNumberTheSecondFailsWithEIOWhileTheFirstIsHeld() throws {
        let bench = try LargeCells.bench(table: NodeTable { _ in 42 })
        defer { bench.close() }
        let first = try bench.inode(Self.folder)
        let refused = try #require(bench.lookup("6000000000", in: .species(.mouse)))
        guard case .failure(let error) = refused else { return #expect(Bool(false), "\(refused)") }
        #expect(error.errno.rawValue == EIO && error.isWorthLogging && "\(error)".contains(Self.folder))
        let listed = try bench.children(of: .species(.mouse)).get()
        #expect(bench.tree.countLookup(of: listed[0]) && !bench.tree.countLookup(of: listed[1]))
        bench.tree.forget(first, count: 2)
        #expect(try bench.inode("mouse/6000000000") == first)
        #expect(throws: FileTreeError.self) { try bench.inode(Self.folder) }
    }

    @Test func theKernelIsToldOfTheHashedNumbersOfWhatHasChangedUpstream() throws {
        let bench = try LargeCells.bench()
        defer { bench.close() }
        let told = Monitor<Invalidation?>(nil)
        bench.tree.onInvalidation { change in told.withLock { $0 = change } }
        let folder = "mouse/6000000000"
        let inode = try bench.inode(folder)
        _ = try bench.children(of: inode).get()
        bench.change(.file(11, of: LargeCells.traced))
        let change = try #require(told.withLock { $0 })
        let table = NodeTable(identity: "test")
        let expected = ["skeleton.swc", "skeleton.marker", "meta.json", "labels-instance.json", "labels.tif"]
        #expect(Set(change.inodes).isSuperset(of: expected.map { table.number(of: "\(folder)/\($0)") }))
        #expect(change.inodes.contains(table.number(of: "\(folder)/labels-nodes/0003.tif")))
        #expect(!change.inodes.contains(table.number(of: "\(folder)/stack.tif")))
        #expect(change.names.contains(Invalidation.Name(directory: inode, name: "labels.ome.zarr")))
    }
}
