import BlockStore
import Support

/// A store in memory that keeps the blocks used last.
package final class MemoryBlockStore: BlockStore {
    private let blocks: MemoryCache<BlockKey, [UInt8]>
    private let limit: Int
    /// Reads answered with a block.
    package let hits = Counter()
    /// Reads without a block, and misses of blocks without a name.
    package let misses = Counter()

    /// An empty store.
    ///
    /// - Parameter limit: the most bytes of all blocks. A larger block is not kept.
    package init(limit: Int = .max) {
        blocks = MemoryCache(limit: limit)
        self.limit = limit
    }

    package var isLocal: Bool { true }

    package func readNow(_ key: BlockKey, _ slice: BlockSlice?) -> ReadNow {
        guard let bytes = blocks[key] else {
            misses.add()
            return .absent
        }
        hits.add()
        return slice?.of(bytes) ?? .block(bytes)
    }

    package func read(_ key: BlockKey, token: CancellationToken) -> Promise<[UInt8]?, Never> {
        let bytes = blocks[key]
        (bytes == nil ? misses : hits).add()
        return Promise(.success(bytes))
    }

    @discardableResult
    package func write(_ key: BlockKey, _ bytes: [UInt8], fetchCost: Double) -> Promise<Void, Never> {
        // An older block of the key must not be read from now on.
        if bytes.count > limit { blocks.remove(key) } else { blocks.insert(bytes, for: key, cost: bytes.count) }
        return Promise(.success(()))
    }

    /// Always ``Claim/impossible``: no other machine can see the store.
    package func claim(_ key: BlockKey, token: CancellationToken) -> Promise<Claim, Never> {
        Promise(.success(.impossible))
    }

    package func contains(_ key: BlockKey) -> Bool { blocks[key] != nil }

    package func isKept(_ key: BlockKey) -> Bool { blocks[key] != nil }

    package func bytes(ofObject id: String) -> Int {
        blocks.cost { $0.object.id == id || $0.object.id.hasPrefix(id + "/") }
    }

    package func noteUnnamedMiss() { misses.add() }
}

extension BlockStore {
    /// The whole block, if memory has it.
    package func readNow(_ key: BlockKey) -> ReadNow { readNow(key, nil) }
}
