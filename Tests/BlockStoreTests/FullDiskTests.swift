import Glibc
import Support
import Testing

@testable import BlockStore

@Suite struct FullDiskTests {
    @Test func roomIsKeptFreeByEvicting() throws {
        let scratch = try Scratch()
        let world = World()
        let cache = try world.open(scratch, minimumFree: 100 * 4096)
        defer { cache.close() }
        /// A disk of 150 pages shared with others.
        func others(_ pages: Int) throws {
            let used = try scratch.blockBytes()
            world.state.withLock { $0.free = 150 * 4096 - pages * 4096 - used }
        }
        for index in 0..<80 {
            try others(0)
            world.advance(1)
            cache.write(key("a", index), [1], fetchCost: 0)
        }
        #expect(cache.statistics.blocks == 50)
        // Others take 30 pages: the next write gives them back.
        try others(30)
        cache.write(key("a", 80), [1], fetchCost: 0)
        #expect(cache.statistics.blocks == 20)
        #expect(cache.contains(key("a", 80)))
        #expect(world.log.messages(.warning).isEmpty)

        // Others take more than eviction can give back: nothing is evicted, one warning is logged, nothing is stored.
        try others(60)
        for index in 100..<150 {
            world.advance(1)
            cache.write(key("a", index), [1], fetchCost: 0)
        }
        #expect(cache.statistics.blocks == 20)
        #expect(world.log.messages(.warning).count == 1)
        #expect(!cache.statistics.writable)
        #expect(cache.read(key("a", 80)) == [1])

        try others(0)
        world.advance(5)
        cache.write(key("a", 150), [1], fetchCost: 0)
        #expect(cache.read(key("a", 150)) == [1])
        #expect(cache.statistics.writable)
        #expect(world.log.messages(.notice).count == 1)
    }

    /// Several writers see the same shortage. Blocks are evicted for it once, not once for each writer.
    @Test func writersSideBySideShareTheShortage() throws {
        let scratch = try Scratch()
        let world = World()
        let others = Monitor(0)
        var system = world.system
        system.freeBytes = { _ in
            // A disk of 200 pages shared with others.
            let used = (try? scratch.blockBytes()) ?? 0
            let free = 200 * 4096 - used - others.withLock { $0 }
            usleep(20_000)
            return free
        }
        let cache = try DiskBlockStore(
            directory: scratch.cache, limits: CacheLimits(maximumBytes: 1 << 30, minimumFreeBytes: 90 * 4096),
            owner: "",
            logger: world.log.logger, system: system)
        defer { cache.close() }
        cache.waitForScan()
        for index in 0..<100 { cache.write(key("a", index), [1], fetchCost: 0) }
        #expect(cache.statistics.blocks == 100)
        world.advance(10)
        others.withLock { $0 = 30 * 4096 }
        let writers = try (0..<4).map { number in
            try NamedThread("writer-\(number)") { cache.write(key("b", number), [1], fetchCost: 0) }
        }
        for writer in writers { writer.join() }
        #expect((0..<4).allSatisfy { cache.contains(key("b", $0)) })
        // 20 of the 30 pages and the four new ones; a write under way may be counted as reserved and as used.
        #expect((24...34).contains(cache.statistics.evicted))
    }

    @Test(arguments: [ENOSPC, EIO, EROFS, EDQUOT, EACCES])
    func aFailureIsLoggedOnceAndStoringResumes(code: Int32) throws {
        let scratch = try Scratch()
        let world = World()
        let cache = try world.open(scratch)
        defer { cache.close() }
        cache.write(key("a", 0), [0], fetchCost: 0)
        world.state.withLock { $0.fault = Errno(rawValue: code) }
        for index in 1..<100 {
            world.advance(0.5)
            cache.write(key("a", index), [1], fetchCost: 0)
        }
        #expect(world.log.messages(.warning).count == 1)
        // One try in five seconds.
        #expect(cache.statistics.writeFailures == 10)
        #expect(cache.statistics.writeFailures + cache.statistics.writesRefused == 99)
        #expect(cache.read(key("a", 0)) == [0])
        world.state.withLock { $0.fault = nil }
        world.advance(5)
        for index in 100..<110 { cache.write(key("a", index), [2], fetchCost: 0) }
        #expect((100..<110).allSatisfy { cache.read(key("a", $0)) == [2] })
        #expect(world.log.messages(.warning).count == 1)
        #expect(world.log.messages(.notice).count == 1)
        #expect(try scratch.blockFiles().allSatisfy { !$0.contains("tmp.") })
        // A second failure is logged again.
        world.state.withLock { $0.fault = Errno(rawValue: code) }
        cache.write(key("a", 200), [1], fetchCost: 0)
        #expect(world.log.messages(.warning).count == 2)
    }
}
