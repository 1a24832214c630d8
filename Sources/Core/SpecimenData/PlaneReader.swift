public import Catalogue
internal import Fetch
internal import Glibc
internal import ImageCodec
public import Support
internal import Transport

/// Reads the grey pixels of image planes, tile by tile: JPEG from the block cache or the origin, decoded luma in memory.
public final class PlaneReader: Sendable {
    private let origin: Origin
    private let registry: ObjectRegistry
    private let decoded: MemoryCache<Tile, [UInt8]>
    private let flights = FlightTable<Tile, [UInt8]>()
    private let side: Int

    /// A decoded tile in memory. The version keeps an old and a new state of an image apart.
    fileprivate struct Tile: Hashable, Sendable {
        var image: Int
        var version: Int
        var level: Int
        var index: Int
    }

    /// A reader that keeps up to `memory` bytes of decoded tiles of `side` px.
    public init(origin: Origin, registry: ObjectRegistry, memory: Int, side: Int = TileGrid.defaultSide) {
        self.origin = origin
        self.registry = registry
        self.side = side
        decoded = MemoryCache(limit: memory)
    }

    /// One version of a plane, as an open handle sees it.
    public struct Version: Sendable {
        /// Name of the image in the cache.
        public let objectID: String
        /// The plane.
        public let image: PlaneImage
        /// Its tiles.
        public let grid: TileGrid
        /// Halvings of width and height; 0 is full resolution.
        public let level: Int
        /// The number of the image's version, which grows when the upstream image changes; nil until the first tile of an
        /// image that was not known has told it. From then on it is fixed, for all copies of this value.
        fileprivate let pin: Monitor<Int?>

        fileprivate func tile(_ index: Int) -> Tile {
            Tile(image: image.imageID, version: pin.withLock { $0 } ?? 0, level: level, index: index)
        }
    }

    /// Copies pixels into a buffer of the size that was asked for.
    public typealias Copy = @Sendable (UnsafeMutableRawBufferPointer) -> Void

    /// The present version of a plane. Does not ask the origin: an image is known by its first tile.
    ///
    /// - Parameter level: halvings of width and height, rounded up; the image service makes them.
    public func version(
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
            level: level, pin: Monitor(registry.cached(id)?.version))
    }

    /// The name of an image in the cache.
    public static func objectID(of image: PlaneImage, specimen: Int) -> String {
        "\(specimen)/image/\(image.imageID)"
    }

    /// Whether the bytes `range` of the plane can be given without decoding or fetching.
    public func isInMemory(_ image: PlaneImage, specimen: Int, _ range: Range<Int>) -> Bool {
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

    /// Fetches the tiles of row `row` of the plane's grid ahead of their reader, into the block cache.
    public func prefetch(_ version: Version, tileRow row: Int) {
        guard row >= 0, row < version.grid.rows else { return }
        let columns = version.grid.columns
        let indices = (row * columns..<(row + 1) * columns).filter { decoded[version.tile($0)] == nil }
        guard let first = indices.first else { return }
        guard registry.cached(version.objectID) == nil else {
            for index in indices { origin.fetcher.prefetch(plan(version, index, box: nil)) }
            return
        }
        // Blocks are named by the image's version, which its first tile tells.
        origin.fetcher.fetch(plan(version, first, box: nil), lane: .prefetch, token: CancellationToken()) {
            [self] outcome in
            guard case .success(let block) = outcome else { return }
            learn(version, block)
            for index in indices.dropFirst() { origin.fetcher.prefetch(plan(version, index, box: nil)) }
        }
    }

    /// Notes the version of an image that was not known.
    private func learn(_ version: Version, _ block: FetchedBlock) {
        guard !block.fromCache, registry.cached(version.objectID) == nil else { return }
        registry.learn(
            version.objectID, length: nil, etag: block.validator.isEmpty ? nil : block.validator, lastModified: nil,
            contentType: "image/jpeg")
    }

    /// Whether `version` is what the image is known to be now. Tiles are asked for by the present validator, so an older
    /// handle must not ask: it would mix new tiles into what it has read.
    public func isCurrent(_ version: Version) -> Bool {
        guard let now = registry.cached(version.objectID)?.version else { return true }
        return version.pin.withLock { $0 ?? now } == now
    }

    /// Whether `block` is of the image's present version, and `version` as well; fixes the number of the latter.
    private func accepts(_ block: FetchedBlock, for version: Version) -> Bool {
        guard let record = registry.cached(version.objectID) else { return true }
        // Two first tiles may tell two versions.
        guard record.validator == block.validator else { return false }
        return version.pin.withLock { number in
            if number == nil { number = record.version }
            return number == record.version
        }
    }

    /// Bytes of decoded tiles in memory.
    public var memory: Int { decoded.usage.cost }

    /// The decoded pixels of tile `index`, row by row.
    public func tile(
        _ version: Version, _ index: Int, token: CancellationToken,
        completion: @escaping @Sendable (Result<[UInt8], SpecimenDataError>) -> Void
    ) {
        let key = version.tile(index)
        if let pixels = decoded[key] { return completion(.success(pixels)) }
        guard isCurrent(version) else { return completion(.failure(.changedUpstream(object: version.objectID))) }
        flights.join(key, token: token, completion: completion) { token, finish in
            // The check that lets a tile into the cache decodes it; the pixels are kept for the reader.
            let box = Monitor<[UInt8]?>(nil)
            let plan = plan(version, index, box: box, for: token)
            origin.fetcher.fetch(plan, lane: .demand, token: token) { [self] outcome in
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
            learn(version, block)
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
    private func plan(
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
        let record = registry.cached(version.objectID)
        return BlockPlan(
            id: "\(version.objectID)/t\(side)/\(level)", validator: record?.validator, length: nil, index: index,
            request: request,
            verify: { bytes in
                do throws(ImageCodecError) {
                    let pixels = try JPEG.decodeLuma(bytes, width: rectangle.width, height: rectangle.height)
                    box?.withLock { $0 = pixels }
                    return nil
                } catch {
                    return "\(error)"
                }
            })
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
