package import Fetch
package import Specimens
package import Support

/// Reads the grey pixels of image planes, tile by tile: blocks from the store or the source, decoded pixels in memory.
package final class PlaneReader: Sendable {
    private let fetcher: BlockFetcher
    private let registry: ObjectRegistry
    /// Seconds after which a request is given up.
    private let timeout: Double
    private let decoded: MemoryCache<Tile, [UInt8]>
    /// Side of a tile, px.
    package let side: Int

    /// A decoded tile in memory. The version keeps an old and a new state of an image apart.
    fileprivate struct Tile: Hashable, Sendable {
        var image: ObjectVersion
        var level: Int
        var index: Int
    }

    /// A reader that keeps up to `memory` bytes of decoded tiles of `side` px.
    package init(fetcher: BlockFetcher, memory: Int, timeout: Double, side: Int = TileGrid.defaultSide) {
        self.fetcher = fetcher
        registry = fetcher.registry
        self.timeout = timeout
        self.side = side
        decoded = MemoryCache(limit: memory)
    }

    /// One version of a plane, as an open handle sees it.
    package struct Version: Sendable {
        /// Names the image.
        package let objectID: ObjectID
        /// The plane.
        package let image: PlaneImage
        /// Its tiles.
        package let grid: TileGrid
        /// Halvings of width and height; 0 is full resolution.
        package let level: Int
        /// What is known of the image, and with it the number of its version, which grows when the upstream image changes;
        /// nil until the first tile of an image that was not known has told it. From then on it is fixed, for all copies of
        /// this value.
        fileprivate let pin: Monitor<ObjectRecord?>

        fileprivate func tile(_ index: Int) -> Tile {
            let number = pin.withLock { $0?.number } ?? 0
            return Tile(image: ObjectVersion(id: objectID, number: number), level: level, index: index)
        }
    }

    /// The present version of a plane. Does not ask the source: an image is known by its first tile.
    ///
    /// - Parameter level: halvings of width and height, rounded up; the image service makes them.
    package func version(
        of image: PlaneImage, specimen: Int, level: Int = 0, completion: @escaping @Sendable (Version) -> Void
    ) {
        let id = Self.objectID(of: image, specimen: specimen)
        registry.load(Self.object(image, id)) { [self] in completion(loadedVersion(of: image, id: id, level: level)) }
    }

    /// The present version of a plane as memory has it; nil where it has none. Asks nobody.
    func cachedVersion(of image: PlaneImage, specimen: Int, level: Int) -> Version? {
        let id = Self.objectID(of: image, specimen: specimen)
        return registry.cached(id).map { _ in loadedVersion(of: image, id: id, level: level) }
    }

    /// Resolved when the present versions of images are known, for an open that is to see what a local source has now. At
    /// once for any other source, whose versions are asked for once a day.
    package func settle(_ images: PlaneImages, specimen: Int) -> Promise<Void, Never> {
        guard let first = images.first, fetcher.source.isLocal(Self.objectID(of: first, specimen: specimen)) else {
            return Promise(.success(()))
        }
        return Promise.all(
            (0..<images.depth).compactMap { images[$0] }.map { image in
                let object = Self.object(image, Self.objectID(of: image, specimen: specimen))
                let (promise, resolver) = Promise<Void, Never>.pending()
                registry.load(object) { resolver.resolve(.success(())) }
                return promise
            }
        ).map { _ in }
    }

    private func loadedVersion(of image: PlaneImage, id: ObjectID, level: Int) -> Version {
        let round = 1 << level - 1
        return Version(
            objectID: id, image: image,
            grid: TileGrid(
                width: (image.width + round) >> level, height: (image.height + round) >> level, side: side,
                pixelSize: image.bits / 8),
            level: level, pin: Monitor(registry.cached(id)))
    }

    /// Rows of tiles of a plane at full resolution.
    package func tileRows(of image: PlaneImage) -> Int {
        TileGrid(width: image.width, height: image.height, side: side).rows
    }

    /// Names an image.
    package static func objectID(of image: PlaneImage, specimen: Int) -> ObjectID {
        .image(image.imageID, of: specimen)
    }

    /// Where people find the whole plane.
    package func address(of image: PlaneImage, specimen: Int) -> String {
        fetcher.source.address(of: Self.object(image, Self.objectID(of: image, specimen: specimen)))
    }

    private static func object(_ image: PlaneImage, _ id: ObjectID) -> SourceObject {
        SourceObject(
            id: id, frame: SourceObject.Frame(x: image.x, y: image.y, width: image.width, height: image.height))
    }

    /// What a read of a window would cost now.
    func cost(_ version: Version, _ window: TileWindow) -> ReadCost {
        let missing = window.tiles.filter { decoded[version.tile($0)] == nil }
        if missing.isEmpty { return .memory }
        return missing.allSatisfy { fetcher.contains(request(version, $0)) } ? .decoding : .request
    }

    /// Fills `buffer` with the bytes of a window if all its tiles are decoded in memory.
    ///
    /// - Returns: false, with `buffer` untouched, when a tile is missing.
    func readNow(_ version: Version, _ window: TileWindow, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
        let indices = window.tiles
        guard let tiles = decoded.all(indices.map(version.tile)) else { return false }
        if !window.isInside { unsafe buffer.zero() }
        for (index, tile) in zip(indices, tiles) { unsafe window.compose(index, tile, into: buffer) }
        return true
    }

    /// Fetches and decodes the tiles of a window.
    func read(_ version: Version, _ window: TileWindow, token: CancellationToken) -> Promise<VoxelCopy, VolumeError> {
        let indices = window.tiles
        let composition = PlaneComposition(window, tiles: indices.count)
        for index in indices {
            tile(version, index, token: token).whenDone { composition.arrive($0, tile: index) }
        }
        return composition.voxels
    }

    /// Counts the tiles of a plane, and those that the cache's directory does not hold now. Answers on a worker.
    ///
    /// - Parameters:
    ///   - tiles: which of the plane's tiles; all without.
    ///   - forgets: whether memory lets go of those that are missing, so that their next reader fetches them for the disk.
    package func countBlocks(
        _ version: Version, tiles: Range<Int>? = nil, forgets: Bool, token: CancellationToken,
        completion: @escaping @Sendable (Result<BlockCount, VolumeError>) -> Void
    ) {
        let forget: @Sendable (Int) -> Void = { [decoded] in decoded.remove(version.tile($0)) }
        // Kept while it cannot be fetched: it is all there is.
        let isFetchable = fetcher.source.outage(for: version.objectID) == nil
        fetcher.countBlocks(
            tiles ?? 0..<version.grid.rows * version.grid.columns, token: token,
            isKept: { [self] in fetcher.isKept(request(version, $0)) },
            forget: forgets && isFetchable ? forget : nil, completion: completion)
    }

    /// Whether `version` is what the image is known to be now. Tiles are asked for by the present validator, so an older
    /// handle must not ask: it would mix new tiles into what it has read.
    package func isCurrent(_ version: Version) -> Bool {
        guard let record = registry.cached(version.objectID) else { return true }
        return isFixed(version, on: record)
    }

    /// What is known of the image: now, or as long as that is not in memory, from when `version` was fixed. An image that
    /// has changed is always in memory.
    private func record(of version: Version) -> ObjectRecord? {
        registry.cached(version.objectID) ?? version.pin.withLock { $0 }
    }

    /// Whether `version` is that of `record`; fixes it if it was not known.
    ///
    /// Never on a later version than the first of this mount: other handles' pages of the first, which the kernel had, may
    /// have been read through this one.
    private func isFixed(_ version: Version, on record: ObjectRecord) -> Bool {
        version.pin.withLock { pin in
            if pin == nil, !registry.hasChanged(version.objectID) { pin = record }
            return pin?.number == record.number
        }
    }

    /// Whether `block` is of the image's present version, and `version` as well; fixes the latter.
    private func accepts(_ block: FetchedBlock, for version: Version) -> Bool {
        guard let record = record(of: version) else { return true }
        // Two first tiles may tell two versions.
        return record.validator == block.version && isFixed(version, on: record)
    }

    /// Bytes of decoded tiles in memory.
    package var memory: Int { decoded.usage.cost }

    /// The decoded pixels of tile `index`, row by row.
    package func tile(
        _ version: Version, _ index: Int, token: CancellationToken
    ) -> Promise<[UInt8], VolumeError> {
        guard isCurrent(version) else { return Promise(.failure(.changedUpstream(object: version.objectID))) }
        if let pixels = decoded[version.tile(index)] { return Promise(.success(pixels)) }
        let (promise, resolver) = Promise<[UInt8], VolumeError>.pending()
        fetcher.fetch(request(version, index, token), lane: token.lane, token: token) { [self] outcome in
            resolver.resolve(accept(outcome, version, index))
        }
        return promise
    }

    private func accept(
        _ outcome: Result<FetchedBlock, FetchError>, _ version: Version, _ index: Int
    ) -> Result<[UInt8], VolumeError> {
        switch outcome {
        case .failure(let error):
            if case .changedUpstream(_, _, let new) = error { registry.learnChange(version.objectID, to: new) }
            return .failure(VolumeError(error, object: version.objectID))
        case .success(let block):
            guard let pixels = block.pixels, accepts(block, for: version) else {
                return .failure(.changedUpstream(object: version.objectID))
            }
            decoded.insert(pixels, for: version.tile(index), cost: pixels.count)
            return .success(pixels)
        }
    }

    /// Fetches the tiles of row `row` of the plane's grid ahead of their reader, into the store.
    ///
    /// - Parameters:
    ///   - column: the first tile of the row that is wanted.
    ///   - token: of the window the row belongs to; when it is cancelled, requests that no reader wants end.
    ///   - isLeft: called with the column of the first tile for which there is no room: from there on the row may be
    ///     offered again. Not called when all is there or on its way.
    package func prefetch(
        _ version: Version, tileRow row: Int, from column: Int = 0, token: CancellationToken = CancellationToken(),
        isLeft: @escaping @Sendable (Int) -> Void
    ) {
        let columns = version.grid.columns
        guard 0..<version.grid.rows ~= row, 0..<columns ~= column else { return }
        let refused = (row * columns + column..<(row + 1) * columns).first { index in
            decoded[version.tile(index)] == nil && !fetcher.prefetch(request(version, index), token: token)
        }
        if let refused { isLeft(refused - row * columns) }
    }

    /// - Parameter token: of the reader it is for; nil when no reader waits yet.
    func request(_ version: Version, _ index: Int, _ token: CancellationToken? = nil) -> BlockRequest {
        let rectangle = version.grid.rectangle(index)
        let frame = SourceObject.Frame(
            x: rectangle.x, y: rectangle.y, width: rectangle.width, height: rectangle.height)
        return BlockRequest(
            object: Self.object(version.image, version.objectID),
            part: .tile(
                BlockPart.Tile(
                    index: index, level: version.level, side: side, frame: frame, bits: version.image.bits)),
            expected: record(of: version)?.validator, deadline: .now.advanced(bySeconds: timeout),
            requestID: token?.requestID ?? 0)
    }
}
