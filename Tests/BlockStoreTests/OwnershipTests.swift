import Glibc
import Support
import Testing

@testable import BlockStore

@Suite struct OwnershipTests {
    @Test func blocksSurviveAndAreNamedByEveryPartOfTheirKey() throws {
        let scratch = try Scratch()
        let world = World()
        let keys = (0..<300).map { key("31/image/\($0 % 7)", $0, length: $0.isMultiple(of: 2) ? 10 : nil) }
        let first = try world.open(scratch)
        for (number, key) in keys.enumerated() { first.write(key, content(key, number * 37), fetchCost: 0.1) }
        #expect(first.statistics.blocks == 300)
        first.close()
        #expect(first.read(keys[5]) == nil)
        #expect(!first.contains(keys[5]))

        let second = try world.open(scratch, scanned: false)
        defer { second.close() }
        for (number, key) in keys.enumerated() {
            #expect(second.contains(key))
            #expect(second.read(key) == content(key, number * 37))
        }
        second.waitForScan()
        #expect(second.statistics.blocks == 300)
        #expect(try second.statistics.bytes == scratch.blockBytes())
        #expect(second.statistics.hits == 300)
        #expect(second.read(key("31/image/0", 0, validator: "v2", length: 10)) == nil)
        #expect(second.read(key("31/image/0", 0, length: 11)) == nil)
        #expect(second.statistics.misses == 2)
    }

    @Test func aRewrittenBlockReplacesTheOld() throws {
        let scratch = try Scratch()
        let cache = try World().open(scratch)
        defer { cache.close() }
        cache.write(key("a"), content(key("a"), 9000), fetchCost: 1)
        cache.write(key("a"), [1, 2, 3], fetchCost: 1)
        #expect(cache.read(key("a")) == [1, 2, 3])
        #expect(cache.statistics.blocks == 1)
        #expect(cache.statistics.bytes == 4096)
    }

    @Test func aSecondOpenerIsToldWhoHoldsTheCache() throws {
        let scratch = try Scratch()
        let world = World()
        let inspector = CacheInspector(directory: scratch.cache)
        let first = try world.open(scratch)
        #expect(throws: CacheError.heldBy(pid: getpid(), owner: "/mnt/test")) { try world.open(scratch) }
        #expect(try inspector.status().holder?.owner == "/mnt/test")
        first.close()
        // A process that another test has just started has a copy of the lock until it executes its program.
        #expect(try eventually { try inspector.status().holder == nil })
        // A lock file without a lock is free, with any text in it.
        try writeFile("\(scratch.cache)/lock", Array("1 /mnt/other\n".utf8))
        let second = try world.open(scratch)
        second.close()
    }

    @Test func theDirectoryMayBeALink() throws {
        let scratch = try Scratch()
        mkdir("\(scratch.path)/elsewhere", 0o700)
        #expect(symlink("\(scratch.path)/elsewhere", scratch.cache) == 0)
        let cache = try World().open(scratch)
        defer { cache.close() }
        cache.write(key("a"), [1], fetchCost: 0)
        #expect(cache.read(key("a")) == [1])
    }

    @Test func openingAnew() throws {
        let scratch = try Scratch()
        let world = World()
        for round in 0..<20 {
            // Given up without close: the last reference ends it.
            let cache = try world.open(scratch)
            #expect(cache.statistics.blocks == round)
            cache.write(key("a", round), [UInt8(round)], fetchCost: 0)
        }
    }

    @Test func blocksOfAnotherVersionAreLeftAloneWithAMessage() throws {
        let scratch = try Scratch()
        let world = World()
        mkdir(scratch.cache, 0o700)
        mkdir("\(scratch.cache)/blocks-V2", 0o700)
        try writeFile("\(scratch.cache)/blocks-V2/x", [1])
        let cache = try world.open(scratch)
        defer { cache.close() }
        #expect(world.log.messages(.notice).count == 1)
        #expect(try readFile("\(scratch.cache)/blocks-V2/x") == [1])
        #expect(try CacheInspector(directory: scratch.cache).status().otherVersions == ["blocks-V2"])
    }

    @Test func aPlaceThatIsNoDirectoryIsRefused() throws {
        let scratch = try Scratch()
        try writeFile(scratch.cache, [])
        #expect(throws: CacheError.unusable(path: scratch.cache, cause: FileFault("", Errno(rawValue: ENOTDIR)))) {
            try World().open(scratch)
        }
        let missing = CacheLimits(maximumBytes: 1, minimumFreeBytes: 0)
        #expect(
            throws: CacheError.unusable(path: "\(scratch.path)/a/b", cause: FileFault("", Errno(rawValue: ENOENT)))
        ) {
            try DiskBlockStore(directory: "\(scratch.path)/a/b", limits: missing, owner: "", logger: World().log.logger)
        }
    }

    /// As when the disk of the cache is unmounted for a while: one message, and it comes back by itself.
    @Test func aDirectoryThatGoesWithItsParentComesBack() throws {
        let scratch = try Scratch()
        let world = World()
        let parent = "\(scratch.path)/disk"
        mkdir(parent, 0o700)
        let cache = try DiskBlockStore(
            directory: "\(parent)/cache", limits: CacheLimits(maximumBytes: 1 << 30, minimumFreeBytes: 0), owner: "",
            logger: world.log.logger, system: world.system)
        defer { cache.close() }
        cache.waitForScan()
        cache.write(key("a"), [1], fetchCost: 0)
        #expect(rename(parent, "\(scratch.path)/away") == 0)
        #expect(eventually { world.log.messages(.warning).contains { $0.contains("cannot be made again") } })
        usleep(50_000)
        #expect(!cache.statistics.writable)
        #expect(world.log.messages(.warning).count == 2)
        // The disk is there again, without the directory.
        mkdir(parent, 0o700)
        #expect(eventually { cache.statistics.writable })
        cache.write(key("b"), [2], fetchCost: 0)
        #expect(cache.read(key("b")) == [2])
        #expect(world.log.messages(.warning).count == 2)
    }

    /// /proc/self refuses new files to everybody, root as well.
    @Test func aReadOnlyPlaceIsServedUncached() throws {
        let world = World()
        let cache = try DiskBlockStore(
            directory: "/proc/self", limits: CacheLimits(maximumBytes: 1 << 30, minimumFreeBytes: 0), owner: "",
            logger: world.log.logger, system: world.system)
        defer { cache.close() }
        cache.waitForScan()
        cache.write(key("a"), [1], fetchCost: 0)
        #expect(cache.read(key("a")) == nil)
        #expect(!cache.statistics.writable)
        #expect(cache.statistics.writesRefused == 1)
        #expect(world.log.messages(.warning).count == 1)
    }
}
