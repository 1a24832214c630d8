import Glibc
import Support
import Testing

@testable import BlockStore

@Suite struct HammerTests {
    /// Readers, writers, evictions, a tool that verifies and prunes, and bits that flip, all at once: the bytes are right
    /// or missing, the limit holds, and the count agrees with the disk in the end.
    @Test(arguments: [11, 12] as [UInt64])
    func manyThreads(seed: UInt64) throws {
        let scratch = try Scratch()
        let world = World()
        let limit = 60 * 4096
        let cache = try world.open(scratch, maximum: limit)
        let wrong = Counter()
        let hits = Counter()
        let workers = try (0..<6).map { thread in
            try NamedThread("hammer-\(thread)") {
                var random = SplitMix(seed * 100 + UInt64(thread))
                for step in 0..<300 {
                    let key = key(
                        "\(Int.random(in: 1...3, using: &random))/image/1", Int.random(in: 0..<60, using: &random))
                    let bytes = content(key, 20 + key.index * 50)
                    if let found = cache.read(key) {
                        hits.add()
                        if found != bytes { wrong.add() }
                    } else {
                        cache.write(key, bytes, fetchCost: 0.01)
                    }
                    if step % 20 == 0 { world.advance(2) }
                    if step % 70 == 0, let path = try? scratch.blockFiles().randomElement(using: &random),
                        var damaged = try? readFile(path), !damaged.isEmpty
                    {
                        damaged[Int.random(in: 0..<damaged.count, using: &random)] ^= 1
                        try? writeFile(path, damaged)
                    }
                }
            }
        }
        let tool = try NamedThread("tool") {
            let inspector = CacheInspector(directory: scratch.cache)
            for round in 0..<6 {
                _ = try? inspector.verify { _, _ in true }
                _ = try? inspector.prune(toBytes: 30 * 4096)
                try? inspector.pin("\(1 + round % 2)/image")
                _ = try? inspector.unpin("\(1 + (round + 1) % 2)/image")
            }
        }
        for thread in workers { thread.join() }
        tool.join()
        #expect(wrong.value == 0)
        #expect(hits.value > 0)
        #expect(cache.statistics.bytes <= limit)
        cache.close()
        let again = try world.open(scratch)
        defer { again.close() }
        #expect(try again.statistics.bytes == scratch.blockBytes())
        #expect(try scratch.blockFiles().count == again.statistics.blocks)
    }
}
