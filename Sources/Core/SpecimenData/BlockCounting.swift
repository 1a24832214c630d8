internal import Support

extension Origin {
    /// Looks at each of `indices`, on a worker that nobody waits for, until the token is cancelled.
    ///
    /// - Parameters:
    ///   - isOnDisk: whether the block is in the cache's directory.
    ///   - forget: lets go of what memory holds of a block that is not; nil to keep it.
    func countBlocks(
        _ indices: Range<Int>, token: CancellationToken, isOnDisk: @escaping @Sendable (Int) -> Bool,
        forget: (@Sendable (Int) -> Void)?,
        completion: @escaping @Sendable (Result<BlockCount, SpecimenDataError>) -> Void
    ) {
        let isQueued = workers.submit(.prefetch) {
            var count = BlockCount()
            for index in indices {
                guard !token.isCancelled else { return completion(.failure(.cancelled)) }
                count.blocks += 1
                if isOnDisk(index) { continue }
                count.missing += 1
                forget?(index)
            }
            completion(.success(count))
        }
        if !isQueued { completion(.failure(.shutDown)) }
    }
}
