import Specimens
import Support
import Testing

@testable import FileTree

/// What the kernel asks for a file handle whose inode it has forgotten: "." and, to know where a directory is, "..".
@Suite struct FileHandleTests {
    private func bench() throws -> TreeBench {
        let world = CellWorld()
        let objects = world.cells.map { ($0.id, world.objects($0)) }
        return try TreeBench(
            world.specimens(), objects: Dictionary(uniqueKeysWithValues: objects), blocks: world.blocks())
    }

    /// Compares what is below `directory`; returns how many names there are of each kind.
    private func check(_ bench: TreeBench, _ directory: InodeNumber, _ path: String) throws -> [FileKind: Int] {
        var counts: [FileKind: Int] = [:]
        for child in try bench.children(of: directory).get() {
            let place = "\(path)/\(child.name)"
            let found = try #require(bench.lookup(child.name, in: directory), "\(place) waits").get()
            let again = try #require(bench.lookup(".", in: found.inode), "\(place) waits").get()
            #expect(again.inode == found.inode && again.kind == found.kind, "\(place)")
            counts[found.kind, default: 0] += 1
            let above = try #require(bench.lookup("..", in: found.inode), "\(place) waits")
            guard found.kind == .directory else {
                guard case .failure(.notDirectory) = above else { Issue.record("\(place): \(above)"); continue }
                continue
            }
            let parent = try above.get()
            #expect(parent.inode == directory && parent.kind == .directory, "\(place)")
            counts.merge(try check(bench, found.inode, place)) { $0 + $1 }
        }
        return counts
    }

    @Test func everyInodeIsFoundByItsNumberAndEveryDirectoryKnowsTheOneAboveIt() throws {
        let bench = try bench()
        defer { bench.close() }
        let counts = try check(bench, .root, "")
        #expect(counts[.directory, default: 0] > 150 && counts[.file, default: 0] > 250 && counts[.link] == 2)
        for name in [".", ".."] {
            let root = try #require(bench.lookup(name, in: InodeNumber.root)).get()
            #expect(root.inode == .root && root.kind == .directory)
        }
    }

    @Test func aNumberIsFoundAtOnceWhileTheOriginAnswersNothingWhereItFixesTheType() throws {
        let bench = try TreeBench(Cells.list)
        defer { bench.close() }
        for node in [Node.planes(1, .stack), .projections(1), .zarr(1, .labels, 0)] {
            let found = try #require(bench.lookup(".", in: node), "\(node) waits").get()
            #expect(found.isProvisional && found.kind == .directory && found.inode == node.inode)
            #expect(try bench.lookup("..", in: node)?.get().inode == Node.specimen(1).inode)
        }
        for node in [Node.specimenFile(1, .stackVolume), .plane(1, .labels, 7)] {
            let found = try #require(bench.lookup(".", in: node), "\(node) waits").get()
            #expect(found.isProvisional && found.kind == .file && found.inode == node.inode)
        }
        // Only the geometry tells a directory in a store from a file.
        let view = View.trainable(1)
        for node in [Node.zarr(1, .stack, 5), .view(view, .zarr(1, .stack, 5))] {
            #expect(bench.lookup(".", in: node) == nil && bench.lookup("..", in: node) == nil)
        }
        #expect(
            try bench.lookup("..", in: .view(view, .planes(1, .stack)))?.get().inode
                == Node.view(view, .specimen(1)).inode)
    }

    @Test func aNumberOfNothingIsAbsent() throws {
        let bench = try bench()
        defer { bench.close() }
        let numbers = [Node.specimen(8), .group(.layer, 7), .planes(8, .stack)].compactMap(\.inode)
        for inode in numbers + [0, 2, 1 << 62, .max].map(InodeNumber.init(rawValue:)) {
            for name in [".", ".."] { #expect(bench.lookup(name, in: inode)?.isAbsent == true, "\(inode) \(name)") }
        }
        _ = try bench.attributes(of: .planes(7, .stack)).get()
        #expect(bench.lookup(".", in: .plane(7, .stack, 2))?.isAbsent == true)
        #expect(bench.lookup(".", in: .zarr(7, .stack, 1_000_000))?.isAbsent == true)
        // Number 1 is a file, which a view shows under its own number; and the cell is in no part but one.
        for node in [Node.view(.trainable(7), .zarr(7, .stack, 1)), .view(.split(.val, 7), .specimen(7))] {
            #expect(bench.lookup(".", in: node)?.isAbsent == true)
        }
    }

    @Test func aHashedNumberIsFoundWhileTheKernelHoldsItAndThatCounts() throws {
        let bench = try bench()
        defer { bench.close() }
        let stack = try bench.inode("trainable/mouse/5000000000/stack")
        let cell = try bench.inode("trainable/mouse/5000000000")
        #expect(try bench.lookup(".", in: stack)?.get().inode == stack)
        bench.tree.forget(stack, count: 1)
        bench.tree.forget(cell, count: 2)
        #expect(bench.attributes(of: cell).isNotFound)
        // The directory above is found by its path, whether the kernel holds it or not.
        #expect(try bench.lookup("..", in: stack)?.get().inode == cell)
        #expect(try bench.attributes(of: cell).get().kind == .directory)
        bench.tree.forget(stack, count: 1)
        #expect(bench.lookup(".", in: stack)?.isAbsent == true && bench.lookup("..", in: stack)?.isAbsent == true)
    }
}
