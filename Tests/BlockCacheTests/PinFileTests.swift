import Glibc
import Support
import Testing

@testable import BlockCache

@Suite struct PinFileTests {
    /// A file that cannot be read, by root neither: a directory in its place.
    private func makeUnreadable(_ scratch: Scratch) throws {
        try Disk.remove("\(scratch.cache)/pins")
        #expect(mkdir("\(scratch.cache)/pins", 0o700) == 0)
    }

    /// Any block could be a pinned one: all stay, also beyond the limit, and it is said once.
    @Test func nothingIsEvictedWhileThePinsHaveNeverBeenRead() throws {
        let scratch = try Scratch()
        let world = World()
        let first = try world.open(scratch)
        for index in 0..<10 { first.write(key("11/image/1", index), [1], fetchCost: 0) }
        first.close()
        try CacheInspector(directory: scratch.cache).pin("11")
        let pins = try readFile("\(scratch.cache)/pins")
        try makeUnreadable(scratch)

        // Looked at by writes alone, not between two steps of this test.
        world.state.withLock { $0.pollSeconds = 3600 }
        let cache = try world.open(scratch, maximum: 5 * 4096)
        defer { cache.close() }
        for index in 0..<50 {
            world.advance(5)
            cache.write(key("5/image/1", index), [1], fetchCost: 0)
        }
        #expect(cache.statistics.evicted == 0)
        #expect((0..<10).allSatisfy { cache.read(key("11/image/1", $0)) == [1] })
        #expect(world.log.messages(.warning).count == 1)

        // Mended: the pinned blocks are kept for their pin, and the file may break again.
        rmdir("\(scratch.cache)/pins")
        try writeFile("\(scratch.cache)/pins", pins)
        world.advance(5)
        cache.write(key("5/image/1"), [1], fetchCost: 0)
        #expect(cache.statistics.pinnedBlocks == 10)
        try makeUnreadable(scratch)
        for index in 0..<50 { cache.write(key("5/image/1", index), [1], fetchCost: 0) }
        #expect(cache.statistics.pinnedBlocks == 10)
        #expect(cache.statistics.evicted == 0)
        #expect(world.log.messages(.warning).count { $0.contains("list of pins") } == 2)
    }

    @Test func withRoomBlocksAreStoredWithoutKnowingThePins() throws {
        let scratch = try Scratch()
        mkdir(scratch.cache, 0o700)
        try makeUnreadable(scratch)
        let cache = try World().open(scratch)
        defer { cache.close() }
        cache.write(key("a"), [1], fetchCost: 0)
        #expect(cache.read(key("a")) == [1])
    }

    /// A pin that root makes in a user's cache is for the user's mount to read.
    @Test(.enabled(if: geteuid() == 0)) func rootLeavesThePinsToTheOwnerOfTheDirectory() throws {
        let scratch = try Scratch()
        mkdir(scratch.cache, 0o700)
        #expect(chown(scratch.cache, 12_345, 23_456) == 0)
        try CacheInspector(directory: scratch.cache).pin("11")
        for name in ["pins", "pins.lock"] {
            var status = stat()
            #expect(stat("\(scratch.cache)/\(name)", &status) == 0)
            #expect(status.st_uid == 12_345 && status.st_gid == 23_456, "\(name)")
        }
    }

    @Test func aChangeThatFailsLeavesNothingBehind() throws {
        let scratch = try Scratch()
        mkdir(scratch.cache, 0o700)
        // Not to be replaced by a file.
        #expect(mkdir("\(scratch.cache)/pins", 0o700) == 0)
        let inspector = CacheInspector(directory: scratch.cache)
        #expect(throws: BlockCacheError.unusable(path: scratch.cache, errno: EISDIR)) { try inspector.pin("11") }
        #expect(try Disk.names(in: scratch.cache).sorted() == ["pins", "pins.lock"])
    }
}
