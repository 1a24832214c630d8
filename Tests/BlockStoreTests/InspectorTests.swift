import Glibc
import Support
import Testing

@testable import BlockStore

@Suite struct InspectorTests {
    private func filled(_ scratch: Scratch, _ world: World) throws -> DiskBlockStore {
        let cache = try world.open(scratch)
        for index in 0..<30 {
            let key = key("\(10 + index % 3)/image/1", index)
            cache.write(key, content(key, index % 3 == 0 ? 5000 : 50), fetchCost: 0)
        }
        return cache
    }

    @Test func anAbsentCacheIsEmpty() throws {
        let inspector = CacheInspector(directory: try Scratch().cache)
        let status = try inspector.status()
        #expect(status.blocks == 0 && status.holder == nil && status.pins.isEmpty)
        #expect(try inspector.usageBySpecimen().isEmpty)
        #expect(try inspector.verify { _, _ in true } == CacheInspector.Verification())
        #expect(try inspector.clear(includingPinned: true) == CacheInspector.Removal())
    }

    @Test func statusAndUsageOfAMountedCache() throws {
        let scratch = try Scratch()
        let cache = try filled(scratch, World())
        defer { cache.close() }
        let inspector = CacheInspector(directory: scratch.cache)
        try inspector.pin("12/image")
        let status = try inspector.status()
        #expect(status.blocks == 30)
        #expect(try status.bytes == scratch.blockBytes())
        #expect(status.bytes == cache.statistics.bytes)
        #expect(status.pins == ["12/image"])
        #expect(status.holder?.pid == getpid())
        let usage = try inspector.usageBySpecimen()
        #expect(usage.map(\.specimen) == ["10", "11", "12"])
        #expect(usage.map(\.blocks) == [10, 10, 10])
        #expect(usage.map(\.bytes) == [10 * 8192, 10 * 4096, 10 * 4096])
        #expect(usage.map(\.pinnedBytes) == [0, 0, 10 * 4096])
    }

    @Test func verifyRemovesWhatIsDamaged() throws {
        let scratch = try Scratch()
        let cache = try filled(scratch, World())
        defer { cache.close() }
        let inspector = CacheInspector(directory: scratch.cache)
        let files = try scratch.blockFiles()
        for path in files.prefix(4) {
            var bytes = try readFile(path)
            bytes[bytes.count - 1] ^= 16
            try writeFile(path, bytes)
        }
        try writeFile(files[4] + ".not-a-block", [1])
        let leftover = String(files[5].prefix(upTo: try #require(files[5].lastIndex(of: "/")))) + "/tmp.1-1.1"
        try writeFile(leftover, [1])
        var seen: [Int] = []
        let result = try inspector.verify { done, total in
            seen.append(done)
            return total == 30
        }
        #expect(result.good == 26 && result.corrupt == 4 && result.unreadable == 0 && !result.isStopped)
        // A store has the cache open: the file could be a block being written.
        #expect(result.leftovers == 0)
        #expect(seen == Array(1...30))
        #expect(try inspector.status().blocks == 26)
        // The owner notices it without a read.
        #expect(eventually { cache.statistics.blocks == 26 })
        cache.close()
        try writeFile(leftover, [1])
        let second = try inspector.verify { done, _ in done < 5 }
        #expect(second.isStopped && second.good == 5)
        #expect(try inspector.verify { _, _ in true }.leftovers == 1)
    }

    @Test func pruneRemovesTheLeastWorthAndNothingPinned() throws {
        let scratch = try Scratch()
        let world = World()
        let cache = try filled(scratch, world)
        let inspector = CacheInspector(directory: scratch.cache)
        try inspector.pin("10")
        // Times on the files: block i was used i seconds after an epoch.
        let files = inspector.files
        for index in 0..<30 {
            try files.setTime(BlockDigest(key("\(10 + index % 3)/image/1", index)), 1_600_000_000 + Double(index))
        }
        let removal = try inspector.prune(toBytes: 10 * 8192 + 5 * 4096)
        #expect(removal == CacheInspector.Removal(blocks: 15, bytes: 15 * 4096))
        let rest = (0..<30).filter {
            (try? files.status(BlockDigest(key("\(10 + $0 % 3)/image/1", $0)))) != nil
        }
        let unpinned = (0..<30).filter { $0 % 3 != 0 }
        #expect(rest == (0..<30).filter { $0 % 3 == 0 || unpinned.suffix(5).contains($0) })
        #expect(eventually { cache.statistics.blocks == 15 })
        #expect(try inspector.prune(toBytes: 0).blocks == 5)
        #expect(try inspector.clear(includingPinned: false).blocks == 0)
        #expect(try inspector.remove(prefix: "1").blocks == 0)
        #expect(try inspector.remove(prefix: "10/").blocks == 10)
        #expect(
            eventually {
                cache.statistics.blocks == 0 && cache.statistics.bytes == 0 && cache.statistics.pinnedBytes == 0
            })
        cache.write(key("a"), [1], fetchCost: 0)
        #expect(try inspector.clear(includingPinned: true).blocks == 1)
        cache.close()
    }

    /// They belong to no object, so no pin keeps them.
    @Test func damagedHeadersDoNotSurviveARemoval() throws {
        let scratch = try Scratch()
        let cache = try filled(scratch, World())
        cache.close()
        let inspector = CacheInspector(directory: scratch.cache)
        let paths = (0..<4).map { index in
            inspector.files.path(BlockDigest(key("\(10 + index % 3)/image/1", index)))
        }
        for path in paths {
            var bytes = try readFile(path)
            bytes[20] ^= 1
            try writeFile(path, bytes)
        }
        try inspector.pin("10")
        // Of the ten blocks of specimen 10 two are damaged.
        #expect(try inspector.prune(toBytes: 0).blocks == 22)
        #expect(try scratch.blockFiles().count == 8)
        try writeFile(paths[0], [1, 2, 3])
        #expect(try inspector.clear(includingPinned: false).blocks == 1)
        #expect(try inspector.clear(includingPinned: true).blocks == 8)
        #expect(try scratch.blockFiles().isEmpty)
    }

    /// A file system that fails is not taken for a block that is gone.
    @Test func aFailureOfTheDiskIsTold() throws {
        let scratch = try Scratch()
        let cache = try filled(scratch, World())
        cache.close()
        let inspector = CacheInspector(directory: scratch.cache)
        let digest = BlockDigest(key("10/image/1"))
        let path = inspector.files.path(digest)
        unlink(path)
        // Reading it fails, for root as well.
        #expect(mkdir(path, 0o700) == 0)
        try inspector.pin("11")
        let failure = CacheError.unusable(
            path: scratch.cache, cause: FileFault(BlockFiles.name(digest), Errno(rawValue: EISDIR)))
        #expect(throws: failure) { try inspector.prune(toBytes: 0) }
        #expect(throws: failure) { try inspector.clear(includingPinned: false) }
        #expect(throws: failure) { try inspector.usageBySpecimen() }
    }

    @Test func severalPinsAreOneChange() throws {
        let scratch = try Scratch()
        mkdir(scratch.cache, 0o700)
        let inspector = CacheInspector(directory: scratch.cache)
        try inspector.pin(["1", "2/", "1", "3"])
        #expect(try inspector.status().pins == ["1", "2", "3"])
        #expect(try inspector.unpin(["2", "3", "4"]) == 2)
        #expect(try inspector.status().pins == ["1"])
    }

    @Test func pinsOfSeveralToolsAtOnceAreAllKept() throws {
        let scratch = try Scratch()
        mkdir(scratch.cache, 0o700)
        let threads = try (0..<4).map { thread in
            try NamedThread("pin") {
                for number in 0..<10 {
                    try? CacheInspector(directory: scratch.cache).pin("\(thread)-\(number)")
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(try CacheInspector(directory: scratch.cache).status().pins.count == 40)
    }
}
