import Glibc
import Support
import Testing

@testable import BlockStore

@Suite struct EvictionTests {
    /// The documented rule, evaluated over a plain list at every write.
    private struct Model {
        struct Block {
            var key: BlockKey
            var size: Int
            var lastUse: Double
            var cost: Double
            var length: Int
            var reads = 0.0
            var score: Double { lastUse + 3600 * (log2(1 + cost * 1_048_576 / Double(length)) + log2(1 + reads)) }
        }
        var blocks: [Block] = []
        let limit: Int

        mutating func write(_ block: Block) {
            blocks.removeAll { $0.key == block.key }
            while blocks.reduce(0, { $0 + $1.size }) + block.size > limit {
                guard let lowest = blocks.indices.min(by: { blocks[$0].score < blocks[$1].score }) else { return }
                blocks.remove(at: lowest)
            }
            blocks.append(block)
        }
    }

    @Test(arguments: [1, 2] as [UInt64])
    func evictionFollowsTheDocumentedRule(seed: UInt64) throws {
        let scratch = try Scratch()
        let world = World()
        var random = SplitMix(seed)
        var model = Model(limit: 150 * 4096)
        let cache = try world.open(scratch, maximum: model.limit)
        defer { cache.close() }
        for step in 0..<900 {
            world.advance(Double.random(in: 5..<400, using: &random))
            let now = world.state.withLock { $0.now }
            let action = Int.random(in: 0..<5, using: &random)
            if action < 2, let chosen = model.blocks.indices.randomElement(using: &random) {
                model.blocks[chosen].lastUse = now
                if action == 0 {
                    #expect(cache.read(model.blocks[chosen].key) != nil)
                    model.blocks[chosen].reads += 1
                } else {
                    // A use, but no read.
                    #expect(cache.isKept(model.blocks[chosen].key))
                }
            } else {
                let key = key("5/image/\(step % 9)", step)
                let count = Int.random(in: 1..<20_000, using: &random)
                let cost = Double.random(in: 0..<2, using: &random)
                let length = count + 76 + key.object.id.utf8.count + key.object.validator.utf8.count
                cache.write(key, [UInt8](repeating: 7, count: count), fetchCost: cost)
                model.write(
                    Model.Block(
                        key: key, size: (length + 4095) / 4096 * 4096, lastUse: now, cost: cost, length: length))
            }
            #expect(cache.statistics.bytes == model.blocks.reduce(0) { $0 + $1.size })
        }
        #expect(cache.statistics.blocks == model.blocks.count)
        for block in model.blocks { #expect(cache.contains(block.key)) }
        #expect(try scratch.blockBytes() == cache.statistics.bytes)
        #expect(cache.statistics.evicted > 300)
    }

    @Test func theLimitHoldsOnDiskAfterEveryOfThousandsOfWrites() throws {
        let scratch = try Scratch()
        let world = World()
        let limit = 64 * 4096
        let cache = try world.open(scratch, maximum: limit)
        defer { cache.close() }
        for index in 0..<2000 {
            world.advance(1)
            cache.write(key("5/file/1", index), [UInt8](repeating: 1, count: 100), fetchCost: 0)
            if index % 50 == 0 { #expect(try scratch.blockBytes() <= limit) }
        }
        #expect(cache.statistics.blocks == 64)
        #expect(cache.statistics.evicted == 2000 - 64)
        // Equals are evicted in the order of use.
        for index in 0..<2000 { #expect(cache.contains(key("5/file/1", index)) == (index >= 2000 - 64)) }
        // A block larger than the whole cache is not stored and evicts nothing.
        cache.write(key("5/file/2"), [UInt8](repeating: 1, count: limit), fetchCost: 0)
        #expect(cache.statistics.blocks == 64)
        #expect(cache.statistics.writesRefused == 1)
    }

    @Test func aBlockJustReadIsNotEvicted() throws {
        let scratch = try Scratch()
        let world = World()
        let cache = try world.open(scratch, maximum: 2 * 4096)
        defer { cache.close() }
        cache.write(key("a", 0), [0], fetchCost: 0)
        cache.write(key("a", 1), [1], fetchCost: 0)
        _ = cache.read(key("a", 0))
        _ = cache.read(key("a", 1))
        cache.write(key("a", 2), [2], fetchCost: 0)
        #expect(!cache.contains(key("a", 2)))
        #expect(cache.statistics.writesRefused == 1)
        world.advance(2)
        cache.write(key("a", 2), [2], fetchCost: 0)
        #expect(cache.contains(key("a", 2)))
        #expect(cache.statistics.blocks == 2)
    }

    @Test func theOrderOfUseSurvivesARemount() throws {
        let scratch = try Scratch()
        let world = World()
        // The files get the real time when they are written; the test's clock starts there.
        world.state.withLock { $0.now = wallClockSeconds() }
        let first = try world.open(scratch)
        for index in 0..<10 { first.write(key("a", index), [UInt8(index)], fetchCost: 0) }
        for index in [3, 1, 4] {
            world.advance(1000)
            #expect(first.read(key("a", index)) != nil)
        }
        first.close()
        world.advance(1000)
        let second = try world.open(scratch, maximum: 3 * 4096)
        defer { second.close() }
        // Opened with a smaller limit: trimmed to it by the scan.
        #expect(eventually { second.statistics.blocks == 3 })
        #expect((0..<10).filter { second.contains(key("a", $0)) } == [1, 3, 4])
        second.write(key("a", 10), [10], fetchCost: 0)
        #expect(!second.contains(key("a", 3)))
    }

    @Test func pinnedBlocksStay() throws {
        let scratch = try Scratch()
        let world = World()
        let inspector = CacheInspector(directory: scratch.cache)
        let cache = try world.open(scratch, maximum: 4 * 4096)
        defer { cache.close() }
        try inspector.pin("11/")
        for index in 0..<3 { cache.write(key("11/image/1", index), [1], fetchCost: 0) }
        for index in 0..<50 {
            world.advance(5)
            cache.write(key("111/image/1", index), [1], fetchCost: 9)
        }
        #expect((0..<3).allSatisfy { cache.contains(key("11/image/1", $0)) })
        #expect(cache.statistics.pinnedBlocks == 3)
        #expect(cache.statistics.pinnedBytes == 3 * 4096)
        #expect(cache.statistics.blocks == 4)
        // Pinned after it was stored. Then no block can be evicted, which is logged once.
        try inspector.pin("111")
        for index in 50..<60 { cache.write(key("5/image/1", index), [1], fetchCost: 0) }
        #expect(cache.statistics.pinnedBlocks == 4)
        #expect(cache.statistics.blocks == 4)
        #expect(world.log.messages(.warning).count == 1)
        // Without their pin they are evicted like others.
        #expect(try inspector.unpin("11"))
        #expect(try !inspector.unpin("11"))
        for index in 60..<70 {
            world.advance(5)
            cache.write(key("5/image/1", index), [1], fetchCost: 0)
        }
        #expect((0..<3).allSatisfy { !cache.contains(key("11/image/1", $0)) })
        #expect(cache.statistics.pinnedBlocks == 1)
        #expect(cache.statistics.pinnedBytes == 4096)
    }
}
