package import Support

/// A fast local store in front of a slow one, such as a disk of this machine in front of a store that a cluster shares.
///
/// Reads ask the fast store first. They ask the slow store for a block that the fast one lacks, and the block is then copied
/// to the fast store behind the reader. Writes go to both. A read that the slow store answers may count as two misses of the
/// fast one: in ``readNow(_:_:)`` and in ``read(_:token:)``.
package final class TieredBlockStore: BlockStore {
    /// Blocks on their way from the slow store to the fast one, above which further ones are not copied: 32 MiB of extents.
    private static let mostCopies = 32

    private let fast: any BlockStore
    private let slow: any BlockStore
    private let workers: WorkerPool
    private let copies = Counter()

    /// A store made of two.
    ///
    /// - Parameters:
    ///   - fast: a local store.
    ///   - slow: the store that is asked second.
    ///   - workers: copies blocks to `fast`, in the prefetch lane.
    package init(fast: any BlockStore, slow: any BlockStore, workers: WorkerPool) {
        self.fast = fast
        self.slow = slow
        self.workers = workers
    }

    package var isLocal: Bool { slow.isLocal }

    /// A block from either store. ``ReadNow/absent`` only when both say so.
    package func readNow(_ key: BlockKey, _ slice: BlockSlice?) -> ReadNow {
        let found = fast.readNow(key, slice)
        guard found == .absent else { return found }
        // The whole block, for the fast store.
        let answer = slow.readNow(key, nil)
        guard case .block(let bytes) = answer else { return answer }
        copy(key, bytes, seconds: 0)
        return slice?.of(bytes) ?? answer
    }

    package func read(_ key: BlockKey, token: CancellationToken) -> Promise<[UInt8]?, Never> {
        fast.read(key, token: token).flatMap { [self] bytes in
            if let bytes { return Promise(.success(bytes)) }
            let began = Instant.now
            let answer = slow.read(key, token: token)
            answer.whenDone { [self] result in
                if let bytes = result.get() { copy(key, bytes, seconds: Instant.now.seconds(since: began)) }
            }
            return answer
        }
    }

    /// Copies a block of the slow store to the fast one. Its cost there is the time that the slow store took.
    private func copy(_ key: BlockKey, _ bytes: [UInt8], seconds: Double) {
        guard copies.value < Self.mostCopies else { return }
        copies.add()
        let isTaken = workers.submit(.prefetch) { [self] in
            fast.write(key, bytes, fetchCost: seconds).whenDone { [self] _ in copies.add(-1) }
        }
        if !isTaken { copies.add(-1) }
    }

    @discardableResult
    package func write(_ key: BlockKey, _ bytes: [UInt8], fetchCost: Double) -> Promise<Void, Never> {
        // The slow store first: it works while the fast one blocks.
        let promises = [slow, fast].map { $0.write(key, bytes, fetchCost: fetchCost) }
        return Promise.all(promises).map { _ in }
    }

    /// The slow store decides, because it is the one that machines share.
    package func claim(_ key: BlockKey, token: CancellationToken) -> Promise<Claim, Never> {
        slow.claim(key, token: token)
    }

    package func contains(_ key: BlockKey) -> Bool { fast.contains(key) || slow.contains(key) }

    package func isKept(_ key: BlockKey) -> Bool { fast.isKept(key) || slow.isKept(key) }

    /// The larger of both numbers, because most blocks of the fast store are in the slow one as well.
    package func bytes(ofObject id: String) -> Int { max(fast.bytes(ofObject: id), slow.bytes(ofObject: id)) }

    package func noteUnnamedMiss() {
        fast.noteUnnamedMiss()
        slow.noteUnnamedMiss()
    }
}
