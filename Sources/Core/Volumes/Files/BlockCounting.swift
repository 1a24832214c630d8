internal import Fetch
internal import Support

extension BlockFetcher {
    /// Looks at each of `indices`, on a worker of the prefetch lane, until the token is cancelled.
    ///
    /// - Parameters:
    ///   - isKept: whether the store's medium holds the block.
    ///   - forget: lets go of what memory holds of a block that is missing; nil to keep it.
    func countBlocks(
        _ indices: Range<Int>, token: CancellationToken, isKept: @escaping @Sendable (Int) -> Bool,
        forget: (@Sendable (Int) -> Void)?,
        completion: @escaping @Sendable (Result<BlockCount, VolumeError>) -> Void
    ) {
        let isQueued = workers.submit(.prefetch) {
            var count = BlockCount()
            for index in indices {
                guard !token.isCancelled else { return completion(.failure(.cancelled)) }
                count.blocks += 1
                if isKept(index) { continue }
                count.missing += 1
                forget?(index)
            }
            completion(.success(count))
        }
        if !isQueued { completion(.failure(.shutDown)) }
    }
}
