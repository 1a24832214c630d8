import BlockStore
import Support

/// A store that stands for one a network away, which several machines share. The test decides when it answers.
///
/// Blocks are in memory. ``readNow(_:_:)`` never has a block, and every promise is resolved on a thread of the store. Claims
/// work: the first machine wins, until it writes the block or gives up.
package final class SharedBlockStore: BlockStore {
    private let blocks = MemoryBlockStore()
    /// The token of the machine that has the right to fetch a block.
    private let claims = Monitor<[BlockKey: ObjectIdentifier]>([:])
    /// Answers that the test holds back; nil while answers are sent at once.
    private let held: Monitor<[@Sendable () -> Void]?>
    private let thread: WorkerPool

    /// An empty store.
    ///
    /// - Parameter isHeld: whether answers wait for ``release()``.
    /// - Throws: ``ThreadError`` when the system gives no thread.
    package init(isHeld: Bool = false) throws(ThreadError) {
        held = Monitor(isHeld ? [] : nil)
        thread = try WorkerPool(name: "shared-store", count: 1)
    }

    /// Ends the thread, after the answers that are not held back.
    package func close() { thread.shutdown() }

    /// Requests whose answers are held back.
    package var heldCount: Int { held.withLock { $0?.count ?? 0 } }

    /// Sends the answers that are held back, and all later ones at once.
    package func release() {
        let answers = held.withLock { held in
            defer { held = nil }
            return held ?? []
        }
        for answer in answers { thread.submit(.demand, answer) }
    }

    package var isLocal: Bool { false }

    package func readNow(_ key: BlockKey, _ slice: BlockSlice?) -> ReadNow { .mustWait }

    package func read(_ key: BlockKey, token: CancellationToken) -> Promise<[UInt8]?, Never> {
        answer { [self] in blocks.read(key, token: token) }
    }

    @discardableResult
    package func write(_ key: BlockKey, _ bytes: [UInt8], fetchCost: Double) -> Promise<Void, Never> {
        answer { [self] in
            claims.withLock { $0[key] = nil }
            return blocks.write(key, bytes, fetchCost: fetchCost)
        }
    }

    package func claim(_ key: BlockKey, token: CancellationToken) -> Promise<Claim, Never> {
        answer { [self] in
            let owner = ObjectIdentifier(token)
            let isWon = claims.withLock { claims in
                guard claims[key] == nil else { return false }
                claims[key] = owner
                return true
            }
            guard isWon else { return Promise(.success(.taken)) }
            token.onCancel { [claims] in claims.withLock { if $0[key] == owner { $0[key] = nil } } }
            return Promise(.success(.won))
        }
    }

    /// A promise of the result of `body`, which runs on the store's thread when the test lets it.
    private func answer<Value: Sendable>(
        _ body: @escaping @Sendable () -> Promise<Value, Never>
    ) -> Promise<Value, Never> {
        let (promise, resolver) = Promise<Value, Never>.pending()
        let send: @Sendable () -> Void = { body().whenDone { resolver.resolve($0) } }
        let isHeld = held.withLock { held in
            held?.append(send)
            return held != nil
        }
        // After close the answer comes from the caller's thread, because every promise must be resolved.
        if !isHeld, !thread.submit(.demand, send) { send() }
        return promise
    }

    package func contains(_ key: BlockKey) -> Bool { blocks.contains(key) }

    package func isKept(_ key: BlockKey) -> Bool { blocks.isKept(key) }

    package func bytes(ofObject id: String) -> Int { blocks.bytes(ofObject: id) }

    package func noteUnnamedMiss() { blocks.noteUnnamedMiss() }
}
