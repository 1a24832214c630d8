package import Support

/// Keeps blocks: on a disk of this machine, in memory, or on another machine.
///
/// A store is a cache. It may lose any block at any time, and it never answers with other bytes than were written under the
/// key. No call throws: a store that fails misses blocks or keeps none, and the source serves the reader.
package protocol BlockStore: Sendable {
    /// Whether ``read(_:token:)`` and ``write(_:_:fetchCost:)`` end within a local file access. Their promises are resolved
    /// then. False lets the caller ask the source beside a slow read.
    var isLocal: Bool { get }

    /// The block, if memory has it. Any thread may call this, also a FUSE thread: it never waits for a device or a network.
    ///
    /// A block and ``ReadNow/absent`` count as a hit and as a miss. ``ReadNow/mustWait`` counts nothing, because
    /// ``read(_:token:)`` follows.
    ///
    /// - Parameter slice: the part that is wanted; all without. A store may prove this part alone.
    func readNow(_ key: BlockKey, _ slice: BlockSlice?) -> ReadNow

    /// The block, nil when the store does not have it. A damaged block is removed and missed.
    ///
    /// Called on a worker. A local store blocks for the time of a local file access. Another store returns at once and
    /// resolves the promise later, on any thread.
    ///
    /// - Parameter token: lets a store that is not local stop work for which nobody waits. The promise is resolved also
    ///   then. A local store does not look at it.
    func read(_ key: BlockKey, token: CancellationToken) -> Promise<[UInt8]?, Never>

    /// Keeps a block, in place of one with the same key. Best effort: the promise tells the end of the work, not that it
    /// succeeded. The threads are those of ``read(_:token:)``.
    ///
    /// - Parameter fetchCost: seconds that fetching took, 0 or more. A store keeps a dear block longer.
    @discardableResult
    func write(_ key: BlockKey, _ bytes: [UInt8], fetchCost: Double) -> Promise<Void, Never>

    /// Asks for the right to fetch a block on behalf of all machines that share the store, so that one of them fetches it.
    /// The threads are those of ``read(_:token:)``.
    ///
    /// The right ends when the block is written or when `token` is cancelled. It also ends after a time that the store
    /// chooses, so that a machine that stopped keeps nobody waiting.
    func claim(_ key: BlockKey, token: CancellationToken) -> Promise<Claim, Never>

    /// Whether the store seems to have a block, without proof: the block may be damaged or just removed. Any thread may call
    /// this. Answered from memory; a local store may look at its disk as long as it does not know all its blocks.
    func contains(_ key: BlockKey) -> Bool

    /// Whether the medium of the store holds a block at this moment, without proof that the block is sound. Called on a
    /// worker. Looks at the medium each time, so it notices that a tool removed the block. Counts as a use of the block.
    func isKept(_ key: BlockKey) -> Bool

    /// Bytes that the blocks of the object `id`, and of objects whose id continues it after a slash, take up in the store.
    /// All versions count. May walk over all blocks: for a question of a person, not for reads.
    func bytes(ofObject id: String) -> Int

    /// Counts a miss of a block that cannot be named yet, because the version of its object is not known.
    func noteUnnamedMiss()
}

/// A part of a block.
package struct BlockSlice: Equatable, Sendable {
    /// The bytes that are wanted, within the block.
    package let bytes: Range<Int>
    /// Bytes that the whole block must have. ``BlockStore/read(_:token:)`` is to tell of a block of another length.
    package let length: Int

    /// The bytes `bytes` of a block of `length`. They must lie within it.
    package init(_ bytes: Range<Int>, of length: Int) {
        precondition(bytes.lowerBound >= 0 && bytes.upperBound <= length)
        self.bytes = bytes
        self.length = length
    }

    /// The answer of a store that has the whole block in memory.
    package func of(_ block: [UInt8]) -> ReadNow { block.count == length ? .block(Array(block[bytes])) : .mustWait }
}

/// The answer of ``BlockStore/readNow(_:_:)``.
package enum ReadNow: Equatable, Sendable {
    /// The bytes of the block, or of the slice, proved as in ``BlockStore/read(_:token:)``.
    case block([UInt8])
    /// The store has no such block.
    case absent
    /// Only ``BlockStore/read(_:token:)`` can tell.
    case mustWait
}

/// The answer of ``BlockStore/claim(_:token:)``.
package enum Claim: Equatable, Sendable {
    /// This machine has the right to fetch the block, and should write it.
    case won
    /// Another machine fetches the block. It can be read from the store soon.
    case taken
    /// The store knows no claims: nobody else fetches into it.
    case impossible
}
