import BlockStore
import Support
import TestTools
import Testing

/// A store of two, both in memory or with a shared one behind.
private final class Tiers: Sendable {
    let fast: MemoryBlockStore
    let near = MemoryBlockStore()
    let shared: SharedBlockStore
    let workers: WorkerPool
    /// Over `near`.
    let local: TieredBlockStore
    /// Over `shared`, whose answers are held back.
    let remote: TieredBlockStore

    init() throws {
        fast = MemoryBlockStore()
        shared = try SharedBlockStore(isHeld: true)
        workers = try WorkerPool(name: "copy", count: 1)
        local = TieredBlockStore(fast: fast, slow: near, workers: workers)
        remote = TieredBlockStore(fast: fast, slow: shared, workers: workers)
    }

    func close() {
        shared.close()
        workers.shutdown()
    }
}

@Suite struct TieredBlockStoreTests {
    @Test func aBlockOfTheFastStoreIsReadWithoutTheSlowOne() throws {
        let tiers = try Tiers()
        defer { tiers.close() }
        tiers.fast.write(key("a"), [1], fetchCost: 0)
        #expect(tiers.remote.readNow(key("a")) == .block([1]))
        #expect(tiers.remote.read(key("a"), token: CancellationToken()).result == .success([1]))
        #expect(tiers.shared.heldCount == 0)
    }

    @Test func aBlockOfTheSlowStoreComesLaterAndIsCopied() throws {
        let tiers = try Tiers()
        defer { tiers.close() }
        let writing = tiers.shared.write(key("a"), [1], fetchCost: 0)
        #expect(tiers.remote.readNow(key("a")) == .mustWait)
        let reading = tiers.remote.read(key("a"), token: CancellationToken())
        #expect(reading.result == nil && writing.result == nil && tiers.shared.heldCount == 2)
        tiers.shared.release()
        #expect(reading.wait() == .success([1]))
        #expect(eventually { tiers.fast.contains(key("a")) })
        #expect(tiers.remote.readNow(key("a")) == .block([1]))
    }

    @Test func aBlockThatNeitherHasIsAbsent() throws {
        let tiers = try Tiers()
        defer { tiers.close() }
        #expect(tiers.local.readNow(key("a")) == .absent)
        #expect(tiers.local.read(key("a")) == nil)
        tiers.near.write(key("a"), [1], fetchCost: 0)
        #expect(tiers.local.readNow(key("a")) == .block([1]))
        #expect(eventually { tiers.fast.contains(key("a")) })
    }

    @Test func aWriteIsDoneWhenBothStoresHaveIt() throws {
        let tiers = try Tiers()
        defer { tiers.close() }
        let writing = tiers.remote.write(key("a"), [1], fetchCost: 0)
        #expect(tiers.fast.contains(key("a")) && writing.result == nil)
        tiers.shared.release()
        writing.wait().get()
        #expect(tiers.shared.contains(key("a")))
    }

    @Test func eitherStoreIsEnoughToContainABlock() throws {
        let tiers = try Tiers()
        defer { tiers.close() }
        tiers.fast.write(key("a"), [1], fetchCost: 0)
        tiers.near.write(key("b"), [1, 2], fetchCost: 0)
        for id in ["a", "b"] { #expect(tiers.local.contains(key(id)) && tiers.local.isKept(key(id))) }
        #expect(!tiers.local.contains(key("c")) && !tiers.local.isKept(key("c")))
        #expect(["a", "b"].map { tiers.local.bytes(ofObject: $0) } == [1, 2])
    }

    @Test func aSlowCopyBoundsTheBlocksInMemory() throws {
        let tiers = try Tiers()
        defer { tiers.close() }
        let go = Monitor(false)
        tiers.workers.submit { go.wait { $0 ? () : nil } }
        for index in 0..<100 {
            tiers.near.write(key("a", index), [1], fetchCost: 0)
            #expect(tiers.local.read(key("a", index)) == [1])
        }
        go.update { $0 = true }
        #expect(eventually { tiers.workers.backlog == 0 && tiers.fast.bytes(ofObject: "a") == 32 })
    }

    /// Two machines that share a store: one of them fetches.
    @Test func theSlowStoreDecidesClaims() throws {
        let tiers = try Tiers()
        defer { tiers.close() }
        tiers.shared.release()
        let other = TieredBlockStore(fast: MemoryBlockStore(), slow: tiers.shared, workers: tiers.workers)
        let (mine, theirs) = (CancellationToken(), CancellationToken())
        #expect(tiers.remote.claim(key("a"), token: mine).wait() == .success(.won))
        #expect(other.claim(key("a"), token: theirs).wait() == .success(.taken))
        // Given up: the next machine may fetch.
        mine.cancel()
        #expect(other.claim(key("a"), token: theirs).wait() == .success(.won))
        #expect(tiers.remote.claim(key("a"), token: mine).wait() == .success(.taken))
        // Written: the claim is over, and the first machine reads the block.
        other.write(key("a"), [1], fetchCost: 0).wait().get()
        #expect(tiers.remote.read(key("a")) == [1])
        #expect(tiers.local.claim(key("a"), token: mine).wait() == .success(.impossible))
    }

    @Test func aMissWithoutANameIsCountedInBoth() throws {
        let tiers = try Tiers()
        defer { tiers.close() }
        tiers.local.noteUnnamedMiss()
        #expect(tiers.fast.misses.value == 1 && tiers.near.misses.value == 1)
    }
}
