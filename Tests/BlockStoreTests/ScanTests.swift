import Glibc
import Support
import Testing

@testable import BlockStore

@Suite struct ScanTests {
    private static func limits(_ pages: Int) -> CacheLimits {
        CacheLimits(maximumBytes: pages * 4096, minimumFreeBytes: 0)
    }

    /// The scan stands still after a part of a full cache. A block written then must take the place of another, by the size of the
    /// rest that is estimated from the part.
    @Test func theLimitHoldsWhileTheFirstScanRuns() throws {
        let scratch = try Scratch()
        let world = World()
        let blocks = 3000
        let first = try world.open(scratch)
        for index in 0..<blocks { first.write(key("5/image/1", index), [1], fetchCost: 0) }
        first.close()

        let examined = Monitor(0)
        let mayGoOn = Monitor(false)
        let test = pthread_self()
        var system = world.system
        let clock = system.now
        system.now = {
            if pthread_self() != test {
                let number = examined.update { count in
                    count += 1
                    return count
                }
                if number == 1000 { mayGoOn.wait { $0 ? () : nil } }
            }
            return clock() + 1_000_000_000
        }
        let cache = try DiskBlockStore(
            directory: scratch.cache, limits: Self.limits(blocks), owner: "", logger: world.log.logger, system: system)
        defer { cache.close() }
        examined.wait { $0 >= 1000 ? () : nil }
        for index in 0..<600 { cache.write(key("6/image/1", index), [2], fetchCost: 0) }
        #expect(cache.statistics.scanning)
        #expect(try scratch.blockFiles().count <= blocks + blocks / 20)
        // Never more than was written, for any estimate.
        #expect(cache.statistics.evicted <= 600)
        #expect((0..<600).count { cache.contains(key("6/image/1", $0)) } == 600)
        mayGoOn.update { $0 = true }
        cache.waitForScan()
        #expect(eventually { cache.statistics.bytes <= blocks * 4096 })
        #expect(eventually { (try? scratch.blockBytes()) == cache.statistics.bytes })
    }

    /// 20 ms a block, as on a disk that has to seek: an unmount does not wait for the folder at hand.
    @Test func closingDoesNotWaitForTheScan() throws {
        let scratch = try Scratch()
        let world = World()
        let first = try world.open(scratch)
        let keys = (0..<100_000).lazy.map { key("5/image/1", $0) }.filter { BlockDigest($0).first >> 56 == 0x7F }
        for key in keys.prefix(200) { first.write(key, [1], fetchCost: 0) }
        first.close()
        var system = world.system
        system.now = {
            usleep(20_000)
            return wallClockSeconds()
        }
        let cache = try DiskBlockStore(
            directory: scratch.cache, limits: Self.limits(1 << 20), owner: "", logger: world.log.logger, system: system)
        #expect(eventually { cache.statistics.blocks > 0 })
        let start = Instant.now
        cache.close()
        #expect(Instant.now.seconds(since: start) < 2)
    }
}
