internal import Catalogue
internal import Fetch
internal import Glibc
internal import ImageCodec
internal import Logging
public import Support
internal import Transport

package import struct Specimens.PlaneImage

/// Reads the grey pixels of image planes, tile by tile: JPEG from the block cache or the origin, decoded luma in memory.
public final class PlaneReader: Sendable {
    let origin: Origin
    private let registry: ObjectRegistry
    let decoded: MemoryCache<Tile, [UInt8]>
    private let flights: FlightTable<TileFlight, [UInt8]>
    /// Images of which a tile is being fetched, ahead of any reader, to learn their version, and the rows that wait for it.
    let asking = Monitor<[String: [RowWish]]>([:])
    /// Side of a tile, px.
    public let side: Int

    /// A decoded tile in memory. The version keeps an old and a new state of an image apart.
    struct Tile: Hashable, Sendable {
        var image: Int
        var version: Int
        var level: Int
        var index: Int
    }

    /// A tile on its way. Who waits does not join who does not: the fetcher, where both share the request, hastens it for
    /// the former only when it is asked by them.
    private struct TileFlight: Hashable, Sendable {
        var tile: Tile
        var lane: Lane
    }

    /// A reader that keeps up to `memory` bytes of decoded tiles of `side` px.
    public init(origin: Origin, registry: ObjectRegistry, memory: Int, side: Int = TileGrid.defaultSide) {
        self.origin = origin
        flights = FlightTable(logger: origin.logger)
        self.registry = registry
        self.side = side
        decoded = MemoryCache(limit: memory)
    }

    /// One version of a plane, as an open handle sees it.
    public struct Version: Sendable {
        /// Name of the image in the cache.
        public let objectID: String
        /// The plane.
        package let image: PlaneImage
        /// Its tiles.
        public let grid: TileGrid
        /// Halvings of width and height; 0 is full resolution.
        public let level: Int
        /// What is known of the image, and with it the number of its version, which grows when the upstream image changes;
        /// nil until the first tile of an image that was not known has told it. From then on it is fixed, for all copies of
        /// this value.
        fileprivate let pin: Monitor<ObjectRecord?>

        func tile(_ index: Int) -> Tile {
            Tile(image: image.imageID, version: pin.withLock { $0?.version } ?? 0, level: level, index: index)
        }
    }

    /// Copies pixels into a buffer of the size that was asked for.
    public typealias Copy = @Sendable (UnsafeMutableRawBufferPointer) -> Void

    /// The present version of a plane. Does not ask the origin: an image is known by its first tile.
    ///
    /// - Parameter level: halvings of width and height, rounded up; the image service makes them.
    package func version(
        of image: PlaneImage, specimen: Int, level: Int = 0, completion: @escaping @Sendable (Version) -> Void
    ) {
        let id = Self.objectID(of: image, specimen: specimen)
        registry.load(id) { [self] in completion(loadedVersion(of: image, id: id, level: level)) }
    }

    private func loadedVersion(of image: PlaneImage, id: String, level: Int) -> Version {
        let round = 1 << level - 1
        return Version(
            objectID: id, image: image,
            grid: TileGrid(width: (image.width + round) >> level, height: (image.height + round) >> level, side: side),
            level: level, pin: Monitor(registry.cached(id)))
    }

    /// Rows of tiles of a plane at full resolution.
    package func tileRows(of image: PlaneImage) -> Int {
        TileGrid(width: image.width, height: image.height, side: side).rows
    }

    /// The name of an image in the cache.
    package static func objectID(of image: PlaneImage, specimen: Int) -> String {
        "\(specimen)/image/\(image.imageID)"
    }

    /// Where people find the whole plane: its URL.
    package func address(of image: PlaneImage) -> String {
        RMA.imageURL(
            base: origin.endpoint, imageID: image.imageID, left: image.x, top: image.y, width: image.width,
            height: image.height)
    }

    /// Whether the bytes `range` of the plane can be given without decoding or fetching.
    package func isInMemory(_ image: PlaneImage, specimen: Int, _ range: Range<Int>) -> Bool {
        let version = loadedVersion(of: image, id: Self.objectID(of: image, specimen: specimen), level: 0)
        return decoded.all(version.grid.tiles(covering: range).map(version.tile)) != nil
    }

    /// Copies the bytes `range` of the plane (row by row, one byte a pixel) into `buffer` if all are in memory.
    ///
    /// - Returns: false, with `buffer` untouched, when a tile is missing.
    public func copyIfInMemory(
        _ version: Version, _ range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
    ) -> Bool {
        let indices = version.grid.tiles(covering: range)
        guard let tiles = decoded.all(indices.map(version.tile)) else { return false }
        for (index, tile) in zip(indices, tiles) {
            unsafe Self.compose(version.grid, range, index, tile, into: buffer)
        }
        return true
    }

    /// Fetches and decodes what the bytes `range` of the plane need, then calls `completion` with a function that
    /// copies them into a buffer of `range.count` bytes.
    public func read(
        _ version: Version, _ range: Range<Int>, token: CancellationToken,
        completion: @escaping @Sendable (Result<Copy, SpecimenDataError>) -> Void
    ) {
        let indices = version.grid.tiles(covering: range)
        let grid = version.grid
        let composition = PlaneComposition(byteCount: range.count, tiles: indices.count) { outcome in
            unsafe completion(outcome.map { bytes in { buffer in unsafe buffer.copyBytes(from: bytes) } })
        }
        for index in indices {
            tile(version, index, token: token) { outcome in
                unsafe composition.arrive(outcome) { pixels, buffer in
                    unsafe Self.compose(grid, range, index, pixels, into: buffer)
                }
            }
        }
    }

    /// Counts the tiles of a plane, and those that the cache's directory does not hold now. Answers on a worker.
    ///
    /// - Parameters:
    ///   - tiles: which of the plane's tiles; all without.
    ///   - forgets: whether memory lets go of those that are missing, so that their next reader fetches them for the disk.
    public func countBlocks(
        _ version: Version, tiles: Range<Int>? = nil, forgets: Bool, token: CancellationToken,
        completion: @escaping @Sendable (Result<BlockCount, SpecimenDataError>) -> Void
    ) {
        let forget: @Sendable (Int) -> Void = { [decoded] in decoded.remove(version.tile($0)) }
        // Kept while it cannot be fetched: it is all there is.
        let isFetchable = origin.fetcher.refusal(of: origin.endpoint) == nil
        origin.countBlocks(
            tiles ?? 0..<version.grid.rows * version.grid.columns, token: token,
            isOnDisk: { [self] in origin.fetcher.isOnDisk(plan(version, $0, box: nil)) },
            forget: forgets && isFetchable ? forget : nil, completion: completion)
    }

    /// Notes the version of an image that was not known.
    private func learn(_ version: Version, _ validator: String) {
        guard record(of: version) == nil else { return }
        registry.learn(
            version.objectID, length: nil, etag: validator.isEmpty ? nil : validator, lastModified: nil,
            contentType: "image/jpeg")
    }

    /// Whether `version` is what the image is known to be now. Tiles are asked for by the present validator, so an older
    /// handle must not ask: it would mix new tiles into what it has read.
    public func isCurrent(_ version: Version) -> Bool {
        guard let record = registry.cached(version.objectID) else { return true }
        return isFixed(version, on: record)
    }

    /// What is known of the image: now, or as long as that is not in memory, from when `version` was fixed. An image that
    /// has changed is always in memory.
    func record(of version: Version) -> ObjectRecord? {
        registry.cached(version.objectID) ?? version.pin.withLock { $0 }
    }

    /// Whether `version` is that of `record`; fixes it if it was not known.
    ///
    /// Never on a later version than the first of this mount: other handles' pages of the first, which the kernel had, may
    /// have been read through this one.
    private func isFixed(_ version: Version, on record: ObjectRecord) -> Bool {
        version.pin.withLock { pin in
            if pin == nil, !registry.hasChanged(version.objectID) { pin = record }
            return pin?.version == record.version
        }
    }

    /// Whether `block` is of the image's present version, and `version` as well; fixes the latter.
    private func accepts(_ block: FetchedBlock, for version: Version) -> Bool {
        guard let record = record(of: version) else { return true }
        // Two first tiles may tell two versions.
        return record.validator == block.validator && isFixed(version, on: record)
    }

    /// Bytes of decoded tiles in memory.
    public var memory: Int { decoded.usage.cost }

    /// The decoded pixels of tile `index`, row by row.
    public func tile(
        _ version: Version, _ index: Int, token: CancellationToken,
        completion: @escaping @Sendable (Result<[UInt8], SpecimenDataError>) -> Void
    ) {
        guard isCurrent(version) else { return completion(.failure(.changedUpstream(object: version.objectID))) }
        let key = version.tile(index)
        if let pixels = decoded[key] { return completion(.success(pixels)) }
        flights.join(TileFlight(tile: key, lane: token.lane), token: token, completion: completion) { token, finish in
            // The check that lets a tile into the cache decodes it; the pixels are kept for the reader.
            let box = Monitor<[UInt8]?>(nil)
            let plan = plan(version, index, box: box, for: token)
            origin.fetcher.fetch(plan, lane: token.lane, token: token) { [self] outcome in
                finish(decode(outcome, version: version, index: index, box: box))
            }
        }
    }

    private func decode(
        _ outcome: Result<FetchedBlock, FetchError>, version: Version, index: Int, box: Monitor<[UInt8]?>
    ) -> Result<[UInt8], SpecimenDataError> {
        switch outcome {
        case .failure(.changedUpstream(_, _, let new)):
            registry.learn(version.objectID, length: nil, etag: new, lastModified: nil, contentType: nil)
            return .failure(.changedUpstream(object: version.objectID))
        case .failure(let error): return .failure(SpecimenDataError(error, object: version.objectID))
        case .success(let block):
            guard accepts(block, for: version) else { return .failure(.changedUpstream(object: version.objectID)) }
            let rectangle = version.grid.rectangle(index)
            do throws(ImageCodecError) {
                let pixels: [UInt8]
                if let checked = box.withLock({ $0 }) {
                    pixels = checked
                } else {
                    pixels = try JPEG.decodeLuma(block.bytes, width: rectangle.width, height: rectangle.height)
                }
                decoded.insert(pixels, for: version.tile(index), cost: pixels.count)
                return .success(pixels)
            } catch {
                return .failure(.image(error))
            }
        }
    }

    /// - Parameter token: of the reader it is for; `nil` when nobody waits yet.
    func plan(
        _ version: Version, _ index: Int, box: Monitor<[UInt8]?>?, for token: CancellationToken? = nil
    ) -> BlockPlan {
        let rectangle = version.grid.rectangle(index)
        let image = version.image
        let level = version.level
        var request = HTTPRequest(
            url: RMA.imageURL(
                base: origin.endpoint, imageID: image.imageID, left: image.x + rectangle.x << level,
                top: image.y + rectangle.y << level,
                width: min(rectangle.width << level, image.width - rectangle.x << level),
                height: min(rectangle.height << level, image.height - rectangle.y << level), downsample: level,
                quality: nil))
        request.expects = .jpeg
        request.requestID = token?.requestID ?? 0
        // A JPEG of noise at quality 100 stays below 3 bytes a pixel; 64 KiB for tables and comments.
        request.maximumBody = rectangle.width * rectangle.height * 3 + 65_536
        request.deadline = .now.advanced(bySeconds: origin.timeout)
        return BlockPlan(
            id: "\(version.objectID)/t\(side)/\(level)", validator: record(of: version)?.validator, length: nil,
            index: index,
            request: request,
            verify: { bytes in
                do throws(ImageCodecError) {
                    let pixels = try JPEG.decodeLuma(bytes, width: rectangle.width, height: rectangle.height)
                    box?.withLock { $0 = pixels }
                    return nil
                } catch {
                    return "\(error)"
                }
            },
            learn: { [self] in learn(version, $0) }, recall: { [self] in record(of: version)?.validator })
    }

    /// Copies what tile `index` has of the bytes `range` of a plane into `buffer`, which holds the range.
    private static func compose(
        _ grid: TileGrid, _ range: Range<Int>, _ index: Int, _ tile: [UInt8], into buffer: UnsafeMutableRawBufferPointer
    ) {
        guard let base = buffer.baseAddress else { return }
        let rectangle = grid.rectangle(index)
        let top = max(rectangle.y, range.lowerBound / grid.width)
        let bottom = min(rectangle.y + rectangle.height, (range.upperBound - 1) / grid.width + 1)
        unsafe tile.withUnsafeBytes { pixels in
            guard let source = pixels.baseAddress else { return }
            for y in top..<bottom {
                let line = y * grid.width
                let low = max(line + rectangle.x, range.lowerBound)
                let high = min(line + rectangle.x + rectangle.width, range.upperBound)
                guard low < high else { continue }
                let from = (y - rectangle.y) * rectangle.width + low - line - rectangle.x
                unsafe memcpy(base + (low - range.lowerBound), source + from, high - low)
            }
        }
    }
}
