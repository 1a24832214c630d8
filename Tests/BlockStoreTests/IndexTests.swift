import Glibc
import Support
import Testing

@testable import BlockStore

@Suite struct IndexTests {
    /// Against a dictionary, with digests of which many share their home.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func theTableFindsWhatADictionaryFinds(seed: UInt64) throws {
        var random = SplitMix(seed)
        let digests = (0..<400).map { BlockDigest(first: $0, second: UInt64.random(in: 0..<40, using: &random)) }
        var index = BlockIndex()
        var known: [BlockDigest: Int] = [:]
        for step in 0..<20_000 {
            let digest = try #require(digests.randomElement(using: &random))
            if Int.random(in: 0..<5, using: &random) < 2 {
                #expect(index.remove(digest) == (known.removeValue(forKey: digest) != nil))
            } else {
                index.insert(
                    digest, objectID: "\(step % 7)", length: step, fetchCost: 0, lastUse: Double(step), isRead: false)
                known[digest] = DiskSpace.roundedToPages(step)
            }
            if step % 50 == 0 {
                #expect(index.count == known.count)
                #expect(digests.allSatisfy { index.contains($0) == (known[$0] != nil) })
                #expect(index.bytes == known.values.reduce(0, +))
            }
        }
    }

    /// The clock was a year ahead while the first block was used; it was set right before the others were.
    @Test func aBlockUsedWhileTheClockWasAheadIsNotTheNewestForEver() throws {
        let now = 1e9
        let digests = (0..<3).map { BlockDigest(first: $0, second: 0) }
        var index = BlockIndex()
        index.setPins(Pins([]))
        for digest in digests {
            index.insert(digest, objectID: "a", length: 1, fetchCost: 0, lastUse: now + 31_536_000, isRead: false)
        }
        // Its time is set right, also on its file.
        #expect(index.noteRead(digests[0], now: now) == true)
        #expect(index.noteRead(digests[0], now: now + 2) == false)
        #expect(index.noteNeed(digests[1], now: now + 10_000) == true)
        #expect(index.noteRead(digests[2], now: now + 20_000) == true)
        #expect(index.takeVictims(1, now: now + 20_010) == [digests[0]])
        #expect(index.takeVictims(1, now: now + 20_010) == [digests[1]])
    }

    @Test func aSlotIsSmall() { #expect(MemoryLayout<BlockSlot>.stride == 48) }

    /// The number for the memory of a cache in docs/CONFIGURATION.md: run alone, with NEURONFS_BENCH set.
    @Test(.enabled(if: getenv("NEURONFS_BENCH") != nil)) func memoryOfAMillionBlocks() throws {
        func resident() throws -> Int {
            let pages = String(decoding: try readWholeFile("/proc/self/statm"), as: UTF8.self).split(separator: " ")[1]
            return (Int(pages) ?? 0) * 4096
        }
        var random = SplitMix(1)
        var index = BlockIndex()
        let before = try resident()
        let start = Instant.now
        for number in 0..<1_000_000 {
            index.insert(
                BlockDigest(first: random.next(), second: random.next()), objectID: "\(number / 5000)/image/1",
                length: 10_000, fetchCost: 0.1, lastUse: Double(number), isRead: false)
        }
        let seconds = Instant.now.seconds(since: start)
        print("\((try resident() - before) / index.count) bytes a block, \(seconds) us to insert one")
    }
}
