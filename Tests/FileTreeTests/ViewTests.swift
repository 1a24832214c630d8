import Specimens
import Support
import Testing

@testable import FileTree

/// `trainable/` and `splits/`: directories of their own over the files of the specimens' own folders.
@Suite struct ViewTests {
    private func bench(_ world: CellWorld, table: NodeTable = NodeTable(identity: "test")) throws -> TreeBench {
        let objects = world.cells.map { ($0.id, world.objects($0)) }
        return try TreeBench(
            world.specimens(), objects: Dictionary(uniqueKeysWithValues: objects), table: table, blocks: world.blocks())
    }

    /// The part of the splits that has the cell.
    private func part(_ id: Int, _ bench: TreeBench) throws -> String {
        try #require(
            try ["train", "val", "test"].first { part in
                try bench.children(of: bench.inode("splits/\(part)")).get().contains { $0.name == String(id) }
            })
    }

    /// Everything below `directory`, looked up, by the path from there.
    private func walk(
        _ bench: TreeBench, _ directory: InodeNumber, _ path: String = ""
    ) throws -> [String: FileAttributes] {
        var found: [String: FileAttributes] = [:]
        for child in try bench.children(of: directory).get() {
            let place = path + child.name
            let answer = try #require(bench.lookup(child.name, in: directory), "\(place) waits").get()
            #expect(answer.inode == child.inode && answer.kind == child.kind, "\(place)")
            found[place] = answer
            if answer.kind == .directory {
                found.merge(try walk(bench, answer.inode, "\(place)/")) { first, _ in first }
            }
        }
        return found
    }

    @Test(arguments: CellWorld.ids)
    func aViewHasTheSameFilesInDirectoriesOfItsOwn(id: Int) throws {
        let bench = try bench(CellWorld())
        defer { bench.close() }
        let own = try walk(bench, bench.inode("mouse/\(id)"))
        let files = [
            "skeleton.swc", "stack/0003.tif", "labels/0000.tif", "stack.ome.zarr/0/1/0/0", "labels.ome.zarr/0/0/0/0",
        ]
        for name in files { #expect(own[name]?.kind == .file, "\(name)") }
        var numbers = Set(own.values.filter { $0.kind == .directory }.map(\.inode))
        for place in ["trainable/mouse/\(id)", "splits/\(try part(id, bench))/\(id)"] {
            let view = try walk(bench, bench.inode(place))
            #expect(Set(view.keys) == Set(own.keys))
            for (name, seen) in view {
                let original = try #require(own[name])
                let attributes = try bench.attributes(of: seen.inode).get()
                #expect(seen.kind == original.kind && attributes.kind == seen.kind, "\(name)")
                if seen.kind == .directory {
                    #expect(numbers.insert(seen.inode).inserted, "\(name)")
                    #expect(bench.tree.path(of: seen.inode) == "\(place)/\(name)")
                    let inside = view.filter { $0.key.hasPrefix("\(name)/") && $0.value.kind == .directory }
                    let subdirectories = inside.keys.count { !$0.dropFirst(name.count + 1).contains("/") }
                    #expect(attributes.linkCount == 2 + subdirectories, "\(name)")
                } else {
                    // A file of labels has two names in its cell's folder.
                    let names = own.filter { $0.value.inode == original.inode }.map { "mouse/\(id)/\($0.key)" }
                    #expect(seen.inode == original.inode && seen.linkCount == 3 * names.count, "\(name)")
                    #expect(bench.tree.path(of: seen.inode).map(names.contains) == true, "\(name)")
                }
            }
        }
    }

    @Test func aDirectoryOfAViewHasANumberOfItsOwnComputedOrTheHashOfItsPath() throws {
        let bench = try bench(CellWorld())
        defer { bench.close() }
        for (path, node) in [
            ("trainable", Node.trainable), ("trainable/mouse", .trainableSpecies(.mouse)), ("splits/val", .split(.val)),
            ("trainable/mouse/7", .view(.trainable(7), .specimen(7))),
            ("splits/train/7/labels", .view(.split(.train, 7), .planes(7, .labels))),
        ] {
            #expect(try bench.inode(path) == node.inode)
        }
        let table = NodeTable(identity: "test")
        for path in ["trainable/mouse/5000000000", "splits/train/5000000000/labels"] {
            #expect(try bench.inode(path) == table.number(of: path))
        }
    }

    @Test func aNameInAViewIsAnsweredAtOnceWhileTheOriginAnswersNothing() throws {
        let bench = try TreeBench(Cells.list)
        defer { bench.close() }
        for place in ["trainable/mouse/1", "splits/\(try part(1, bench))/1"] {
            let folder = try bench.inode(place)
            for entry in SpecimenFolder(id: 1).entries {
                let found = try #require(bench.lookup(entry.place, in: folder), "\(entry.place) waits").get()
                #expect(found.isProvisional && found.kind == entry.kind)
                #expect((found.inode == entry.node.inode) == (entry.kind == .file))
            }
            let plane = try bench.inode("\(place)/labels/0007.tif")
            #expect(plane == Node.plane(1, .labels, 7).inode)
            #expect(bench.lookup("7.tif", in: try bench.inode("\(place)/stack"))?.isAbsent == true)
            #expect(bench.lookup("nothing", in: folder)?.isAbsent == true)
            #expect(bench.lookup("0", in: try bench.inode("\(place)/stack.ome.zarr")) == nil)
        }
        #expect(bench.lookup("3", in: .trainableSpecies(.mouse))?.isAbsent == true)
    }

    @Test func aHashedDirectoryOfAViewMeansSomethingWhileTheKernelHoldsItAComputedOneDoesForEver() throws {
        let bench = try bench(CellWorld())
        defer { bench.close() }
        let computed = try bench.inode("trainable/mouse/7/stack")
        bench.tree.forget(computed, count: 1)
        #expect(try bench.attributes(of: computed).get().kind == .directory)
        let folder = try bench.inode("trainable/mouse/5000000000")
        bench.tree.forget(folder, count: 1)
        #expect(bench.attributes(of: folder).isNotFound && bench.children(of: folder).isNotFound)
        #expect(bench.lookup("stack", in: folder)?.isAbsent == true)
        // A file is held by the replies under all its names.
        let file = "mouse/5000000000/stack/0001.tif"
        let hashed = try bench.inode(file)
        #expect(try bench.inode("trainable/\(file)") == hashed && hashed.isHashed)
        bench.tree.forget(hashed, count: 1)
        #expect(try bench.attributes(of: hashed).get().kind == .file)
        bench.tree.forget(hashed, count: 1)
        #expect(bench.attributes(of: hashed).isNotFound)
    }

    @Test func aDirectoryOfAViewIsAskedForWhatADirectoryHas() throws {
        let bench = try bench(CellWorld())
        defer { bench.close() }
        let stack = try bench.inode("trainable/mouse/7/stack")
        guard case .failure(.isDirectory) = bench.open(stack) else { return #expect(Bool(false)) }
        #expect(throws: FileTreeError.self) { try bench.tree.readLink(stack) }
        guard case .failure(.noAttribute) = bench.attribute("user.neuronfs.url", of: stack) else {
            return #expect(Bool(false))
        }
    }

    @Test(arguments: CellWorld.ids)
    func aChangedSkeletonIsForgottenUnderAllNames(id: Int) throws {
        let bench = try bench(CellWorld())
        defer { bench.close() }
        let told = Monitor<Invalidation?>(nil)
        bench.tree.onInvalidation { change in told.withLock { $0 = change } }
        let folders = try ["mouse", "trainable/mouse", "splits/\(part(id, bench))"].map {
            try bench.inode("\($0)/\(id)")
        }
        _ = try bench.children(of: folders[1]).get()
        let skeleton = try bench.inode("trainable/mouse/\(id)/skeleton.swc")
        bench.change(CellWorld.skeleton(id))
        let change = try #require(told.withLock { $0 })
        #expect(change.inodes.count { $0 == skeleton } == 1)
        let stores = try folders.map { try #require(bench.lookup("stack.ome.zarr", in: $0)).get().inode }
        #expect(
            Set(change.names)
                == Set(folders.map { Invalidation.Name(directory: $0, name: "labels.ome.zarr") })
                .union(stores.map { Invalidation.Name(directory: $0, name: "labels") }))
    }

    @Test(arguments: CellWorld.ids)
    func aCellThatIsTrainableNoMoreLeavesItsViews(id: Int) throws {
        let world = CellWorld()
        let bench = try bench(world)
        defer { bench.close() }
        let told = Monitor<Invalidation?>(nil)
        bench.tree.onInvalidation { change in told.withLock { $0 = change } }
        let part = try part(id, bench)
        let view = try bench.inode("trainable/mouse/\(id)")
        let stack = try bench.inode("trainable/mouse/\(id)/stack")
        let volume = try bench.inode("trainable/mouse/\(id)/stack.tif")
        #expect(try bench.attributes(of: volume).get().linkCount == 3)

        world.edit(id) { $0?.isTraced = false }
        bench.source.answer(id, .success(try #require(world.cell(id).map(world.objects))))
        bench.source.show(world.specimens())
        let change = try #require(told.withLock { $0 })
        let gone = [
            ("trainable/mouse", Node.trainableSpecies(.mouse)),
            ("splits/\(part)", try #require(Node(bench.inode("splits/\(part)")))),
        ]
        for (path, parent) in gone {
            #expect(change.names.contains(.init(directory: try #require(parent.inode), name: String(id))), "\(path)")
            #expect(bench.lookup(String(id), in: parent)?.isAbsent == true)
        }
        for directory in [view, stack] {
            #expect(bench.attributes(of: directory).isNotFound && bench.children(of: directory).isNotFound)
            #expect(bench.lookup("0001.tif", in: directory)?.isAbsent == true)
        }
        #expect(try bench.attributes(of: volume).get().linkCount == 1)
    }

    @Test func aChangedRowIsForgottenInEveryFolderOfTheCell() throws {
        let world = CellWorld()
        let bench = try bench(world)
        defer { bench.close() }
        let told = Monitor<Invalidation?>(nil)
        bench.tree.onInvalidation { change in told.withLock { $0 = change } }
        let folders = try ["mouse", "trainable/mouse", "splits/\(part(7, bench))"].map { try bench.inode("\($0)/7") }
        world.edit(7) { $0?.layer = "2/3" }
        bench.source.show(world.specimens())
        let change = try #require(told.withLock { $0 })
        #expect(Set(change.inodes).isSuperset(of: folders))
        for folder in folders {
            let names = Set(change.names.filter { $0.directory == folder }.map(\.name))
            #expect(names == Set(SpecimenFolder(id: 7).entries.map(\.place)))
        }
    }
}
