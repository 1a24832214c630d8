import Glibc
import Support
import Testing

@testable import BlockStore

/// No change of the files makes the store serve wrong bytes.
@Suite struct DamageTests {
    private func smallBlock() throws -> (Scratch, World, BlockKey, [UInt8], path: String, file: [UInt8]) {
        let scratch = try Scratch()
        let world = World()
        let key = key("313862022/file/9", 3, validator: "\"e1\"", length: 4096)
        let bytes = content(key, 24)
        let cache = try world.open(scratch)
        cache.write(key, bytes, fetchCost: 0.5)
        cache.close()
        let path = try #require(try scratch.blockFiles().first)
        return (scratch, world, key, bytes, path, try readFile(path))
    }

    @Test func aFlippedBitAnywhereIsAMissAndCounted() throws {
        let (scratch, world, key, bytes, path, file) = try smallBlock()
        let cache = try world.open(scratch)
        defer { cache.close() }
        for position in file.indices {
            for bit in 0..<8 {
                var damaged = file
                damaged[position] ^= 1 << UInt8(bit)
                try writeFile(path, damaged)
                #expect(cache.read(key) == nil, "byte \(position) bit \(bit)")
                #expect(cache.statistics.corrupt == position * 8 + bit + 1)
                #expect(try scratch.blockFiles().isEmpty)
            }
        }
        try writeFile(path, file)
        #expect(cache.read(key) == bytes)
        #expect(cache.statistics.blocks == 1)
    }

    @Test func everyTruncationAndAnyExtensionIsAMissAndCounted() throws {
        let (scratch, world, key, bytes, path, file) = try smallBlock()
        let cache = try world.open(scratch)
        defer { cache.close() }
        var damaged = 0
        for candidate in file.indices.map({ Array(file[..<$0]) }) + [file + [0], file + file] {
            try writeFile(path, candidate)
            #expect(cache.read(key) == nil)
            damaged += 1
            #expect(cache.statistics.corrupt == damaged)
        }
        cache.write(key, bytes, fetchCost: 0)
        #expect(cache.read(key) == bytes)
    }

    /// kill -9 or a loss of power during the write of each byte, found at the next start.
    @Test func leftoversOfADeadWriterAreRemovedAndDamagedBlocksAreNotIndexed() throws {
        let (scratch, world, key, bytes, path, file) = try smallBlock()
        let folder = String(path.prefix(upTo: try #require(path.lastIndex(of: "/"))))
        for length in file.indices { try writeFile("\(folder)/tmp.1-1.\(length)", Array(file[..<length])) }
        try writeFile("\(folder)/notes.txt", [1])
        let other = BlockDigest(BlockKey(object: key.object, index: 4)).hexadecimal
        mkdir("\(scratch.cache)/blocks-V1/\(other.prefix(2))", 0o700)
        let stray = "\(scratch.cache)/blocks-V1/\(other.prefix(2))/\(other.dropFirst(2))"
        // A good block under the name of another one.
        try writeFile(stray, file)
        let cache = try world.open(scratch)
        defer { cache.close() }
        #expect(try scratch.blockFiles() == ["\(folder)/notes.txt", path].sorted())
        #expect(cache.statistics.blocks == 1)
        #expect(cache.statistics.corrupt == 1)
        #expect(cache.read(key) == bytes)
    }

    @Test func aScanSparesTheBlocksThatItsOwnProcessIsWriting() throws {
        let (scratch, world, _, _, path, _) = try smallBlock()
        let state = CacheState(
            directory: scratch.cache, limits: CacheLimits(maximumBytes: 1 << 40, minimumFreeBytes: 0), owner: "",
            system: world.system, logger: world.log.logger)
        guard case .acquired(let lock) = DirectoryLock.acquire(state.root, owner: "") else {
            Issue.record("the lock is free")
            return
        }
        state.guarded.withLock { $0.lock = lock }
        let folder = String(path.prefix(upTo: try #require(path.lastIndex(of: "/"))))
        let own = "\(folder)/\(state.files.writerName)7"
        try writeFile(own, [1])
        try writeFile("\(folder)/tmp.1-1.7", [1])
        CacheScanner(state: state).scan()
        #expect(try scratch.blockFiles() == [own, path].sorted())
    }

    @Test func aGoodBlockUnderTheNameOfAnotherIsNotServed() throws {
        let (scratch, world, key, _, _, file) = try smallBlock()
        let cache = try world.open(scratch)
        defer { cache.close() }
        let other = BlockKey(object: key.object, index: 4)
        let digest = BlockDigest(other).hexadecimal
        mkdir("\(scratch.cache)/blocks-V1/\(digest.prefix(2))", 0o700)
        try writeFile("\(scratch.cache)/blocks-V1/\(digest.prefix(2))/\(digest.dropFirst(2))", file)
        #expect(cache.read(other) == nil)
        #expect(cache.statistics.corrupt == 1)
    }

    @Test func theDirectoryDeletedUnderTheCacheIsMadeAgain() throws {
        let (scratch, world, key, bytes, _, _) = try smallBlock()
        let cache = try world.open(scratch)
        defer { cache.close() }
        removeTree(scratch.cache)
        #expect(cache.read(key) == nil)
        #expect(cache.statistics.blocks == 0)
        cache.write(key, bytes, fetchCost: 1)
        #expect(
            eventually {
                cache.statistics.writable && cache.read(key) == bytes
                    || {
                        cache.write(key, bytes, fetchCost: 1); return false
                    }()
            })
        // The lock has come back with it: a second owner is still kept out.
        #expect(try eventually { try CacheInspector(directory: scratch.cache).status().holder?.owner == "/mnt/test" })
        #expect(throws: CacheError.heldBy(pid: getpid(), owner: "/mnt/test")) { try world.open(scratch) }
    }

    @Test func aPlaceThatCannotBeReadIsAMissAndNoDamage() throws {
        let (scratch, world, key, bytes, path, _) = try smallBlock()
        let cache = try world.open(scratch)
        defer { cache.close() }
        unlink(path)
        mkdir(path, 0o700)
        #expect(cache.read(key) == nil)
        #expect(cache.statistics.readFailures + cache.statistics.corrupt == 1)
        #expect(cache.statistics.misses == 1)
        cache.write(key, bytes, fetchCost: 0)
        #expect(cache.statistics.writeFailures == 1)
        rmdir(path)
        world.advance(10)
        cache.write(key, bytes, fetchCost: 0)
        #expect(cache.read(key) == bytes)
    }
}
