import Glibc
import Support
import Testing

@testable import BlockStore

@Suite struct PinFileTests {
    /// Puts a directory in place of the file of pins, so that not even root can read it.
    private func makeUnreadable(_ scratch: Scratch) throws {
        unlink("\(scratch.cache)/pins")
        #expect(mkdir("\(scratch.cache)/pins", 0o700) == 0)
    }

    /// Any block could be a pinned one: all stay, also beyond the limit, and one warning is logged.
    @Test func nothingIsEvictedWhileThePinsHaveNeverBeenRead() throws {
        let scratch = try Scratch()
        let world = World()
        let first = try world.open(scratch)
        for index in 0..<10 { first.write(key("11/image/1", index), [1], fetchCost: 0) }
        first.close()
        try CacheInspector(directory: scratch.cache).pin("11")
        let pins = try readFile("\(scratch.cache)/pins")
        try makeUnreadable(scratch)

        // Only writes look at the pins, and not the maintenance thread between two steps of this test.
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

    /// Root's commands take that user's rights before; Tests/MountTests/test_planted.py has them.
    @Test(.enabled(if: geteuid() == 0)) func rootDoesNotTouchTheCacheOfAUser() throws {
        let scratch = try Scratch()
        mkdir(scratch.cache, 0o700)
        #expect(chown(scratch.cache, 12_345, 23_456) == 0)
        let failure = CacheError.unusable(path: scratch.cache, cause: FileFault("", .directoryOwner(12_345)))
        #expect(throws: failure) { try CacheInspector(directory: scratch.cache).pin("11") }
        #expect(throws: failure) { try World().open(scratch) }
        #expect(chown(scratch.cache, 0, 0) == 0)
        #expect(try names(in: scratch.cache).isEmpty)
    }

    @Test func aChangeThatFailsLeavesNothingBehind() throws {
        let scratch = try Scratch()
        mkdir(scratch.cache, 0o700)
        // A rename cannot replace it.
        #expect(mkdir("\(scratch.cache)/pins", 0o700) == 0)
        let inspector = CacheInspector(directory: scratch.cache)
        #expect(
            throws: CacheError.unusable(path: scratch.cache, cause: FileFault("pins", Errno(rawValue: EISDIR)))
        ) {
            try inspector.pin("11")
        }
        #expect(try names(in: scratch.cache).sorted() == ["pins", "pins.lock"])
    }
}
