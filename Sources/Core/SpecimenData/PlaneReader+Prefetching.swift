internal import Fetch
public import Support

// Tile rows wanted before anybody reads them.
extension PlaneReader {
    /// A row of tiles, or the rest of one, wanted ahead of a reader.
    struct RowWish: Sendable {
        let version: Version
        let row: Int
        var column: Int
        let token: CancellationToken
        let isLeft: @Sendable (Int) -> Void

        /// Tiles from the first wanted one to the end of the row.
        var indices: Range<Int> {
            let columns = version.grid.columns
            return row * columns + column..<(row + 1) * columns
        }
    }

    /// Fetches the tiles of row `row` of the plane's grid ahead of their reader, into the block cache.
    ///
    /// - Parameters:
    ///   - column: the first tile of the row that is wanted.
    ///   - token: of the window the row belongs to; when it is cancelled, requests that nobody else wants end.
    ///   - isLeft: called, on any thread, with the column of the first tile for which there is no room, or whose plane's
    ///     version cannot be learnt: from there on the row may be offered again. Not called when all is there or on its way.
    public func prefetch(
        _ version: Version, tileRow row: Int, from column: Int = 0, token: CancellationToken = CancellationToken(),
        isLeft: @escaping @Sendable (Int) -> Void
    ) {
        guard 0..<version.grid.rows ~= row, 0..<version.grid.columns ~= column else { return }
        prefetch(RowWish(version: version, row: row, column: column, token: token, isLeft: isLeft))
    }

    private func prefetch(_ wish: RowWish) {
        guard record(of: wish.version) == nil else { return prefetchKnown(wish) }
        // Blocks are named by the image's version, which its first tile tells. Rows are offered by several threads, and in
        // steps: the others wait for the first to come, because there may be no further read to offer them again.
        let isFirst = asking.withLock { asking in
            let isFirst = asking[wish.version.objectID] == nil
            asking[wish.version.objectID, default: []] += isFirst ? [] : [wish]
            return isFirst
        }
        guard isFirst else { return }
        let plan = plan(wish.version, wish.indices.lowerBound, box: nil)
        origin.fetcher.fetch(plan, lane: .prefetch, token: wish.token) { [self] outcome in
            let waiting = asking.withLock { $0.removeValue(forKey: wish.version.objectID) } ?? []
            switch outcome {
            case .success:
                var rest = wish
                rest.column += 1
                for wish in [rest] + waiting { prefetchKnown(wish) }
            // The window of the one that asked has ended, not theirs.
            case .failure(.cancelled): for wish in waiting where !wish.token.isCancelled { prefetch(wish) }
            case .failure: for wish in [wish] + waiting { wish.isLeft(wish.column) }
            }
        }
    }

    private func prefetchKnown(_ wish: RowWish) {
        let refused = wish.indices.first { index in
            decoded[wish.version.tile(index)] == nil
                && !origin.fetcher.prefetch(plan(wish.version, index, box: nil), token: wish.token)
        }
        if let refused { wish.isLeft(refused - wish.row * wish.version.grid.columns) }
    }
}
