package import Fetch
package import Layouts
package import Specimens
package import Support

/// The images of a specimen as a volume, read tile by tile. A plane without an image reads as 0.
package final class ImageVolume: Volume {
    package let geometry: VolumeGeometry
    package let element: VoxelType

    private let images: PlaneImages
    private let specimen: Int
    private let exponent: Int
    private let planes: PlaneReader
    private let registry: ObjectRegistry
    /// The registry's moment of the open. A plane that changes later is no longer the one that this volume shows, whether or
    /// not it was read: the kernel may have given its reader pages of another handle.
    private let opened: Int
    private let seen = Monitor(SeenPlanes())

    /// - Parameters:
    ///   - images: of the size that `geometry` says.
    ///   - geometry: of full resolution.
    package convenience init(
        _ images: PlaneImages, of specimen: Int, geometry: VolumeGeometry, planes: PlaneReader,
        registry: ObjectRegistry
    ) {
        self.init(images, specimen, geometry, exponent: 0, planes, registry, opened: registry.moment)
    }

    private init(
        _ images: PlaneImages, _ specimen: Int, _ geometry: VolumeGeometry, exponent: Int, _ planes: PlaneReader,
        _ registry: ObjectRegistry, opened: Int
    ) {
        self.images = images
        self.specimen = specimen
        self.geometry = geometry
        element = VoxelType(bits: images.first?.bits ?? 8)
        self.exponent = exponent
        self.planes = planes
        self.registry = registry
        self.opened = opened
    }

    /// The view of a pyramid level, which the image service makes: level n has `ceil(W / 2^n)` columns and `ceil(H / 2^n)`
    /// rows, and all planes.
    package func level(_ level: Int) -> ImageVolume {
        ImageVolume(
            images, specimen, geometry.level(level), exponent: exponent + level, planes, registry, opened: opened)
    }

    package func isCurrent(_ planes: Range<Int>) -> Bool { !hasChanged(planes, since: opened) }
    package var hasChanged: Bool { hasChanged(0..<images.depth, since: 0) }

    private func hasChanged(_ planes: Range<Int>, since moment: Int) -> Bool {
        // Most mounts never see a change: then no plane need be looked at.
        guard registry.moment > moment else { return false }
        return planes.contains { plane in
            images[plane].map {
                registry.hasChanged(PlaneReader.objectID(of: $0, specimen: specimen), since: moment)
            } ?? false
        }
    }

    /// The version of a plane's image, at once when the registry has it in memory.
    private func version(of image: PlaneImage, _ plane: Int) -> Promise<PlaneReader.Version, VolumeError> {
        if let known = seen.withLock({ $0.version(of: image, plane, specimen) }) { return Promise(known) }
        // A local source was asked at the open. It would be asked again for each plane that was read before others.
        if let loaded = planes.cachedVersion(of: image, specimen: specimen, level: exponent) {
            return Promise(first(loaded, image, plane))
        }
        let (promise, resolver) = Promise<PlaneReader.Version, VolumeError>.pending()
        planes.version(of: image, specimen: specimen, level: exponent) { [self] loaded in
            resolver.resolve(first(loaded, image, plane))
        }
        return promise
    }

    /// The version of a plane that this volume shows, now that `loaded` is the present one.
    private func first(
        _ loaded: PlaneReader.Version, _ image: PlaneImage, _ plane: Int
    ) -> Result<PlaneReader.Version, VolumeError> {
        // Asked after the version is known, which may be a later one than that of the open.
        let isCurrent = !registry.hasChanged(loaded.objectID, since: opened)
        return seen.withLock { seen in
            if let first = seen.version(of: image, plane, specimen) { return first }
            if isCurrent { seen.note(loaded, of: plane) } else { seen.noteChange(of: plane) }
            return isCurrent ? .success(loaded) : .failure(.changedUpstream(object: loaded.objectID))
        }
    }

    /// Notes when a read has found a plane to be of another version: what was read of it before is of the old one.
    private func note(_ outcome: Result<VoxelCopy, VolumeError>, of plane: Int) {
        guard case .failure(.changedUpstream) = outcome else { return }
        seen.withLock { $0.noteChange(of: plane) }
    }

    /// The version of a plane's image, if it is in memory and the present one.
    private func currentVersion(of image: PlaneImage, _ plane: Int) -> PlaneReader.Version? {
        guard case .success(let version)? = version(of: image, plane).result else { return nil }
        return planes.isCurrent(version) ? version : nil
    }

    package func readNow(_ piece: PlanePiece, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
        guard let image = images[piece.plane] else {
            unsafe buffer.zero()
            return true
        }
        guard let version = currentVersion(of: image, piece.plane) else { return false }
        return unsafe planes.readNow(version, TileWindow(piece, version.grid), into: buffer)
    }

    package func cost(of piece: PlanePiece) -> ReadCost {
        guard let image = images[piece.plane] else { return .memory }
        guard let version = currentVersion(of: image, piece.plane) else { return .request }
        return planes.cost(version, TileWindow(piece, version.grid))
    }

    package func read(_ piece: PlanePiece, token: CancellationToken) -> Promise<VoxelCopy, VolumeError> {
        guard let image = images[piece.plane] else { return Promise(.success(.zeros)) }
        return version(of: image, piece.plane).flatMap { [self] version in
            let voxels = planes.read(version, TileWindow(piece, version.grid), token: token)
            voxels.whenDone { [self] outcome in note(outcome, of: piece.plane) }
            return voxels
        }
    }

    package func isEmpty(_ box: VoxelBox) -> Bool? {
        let isInside = box.y.overlaps(0..<geometry.shape.y) && box.x.overlaps(0..<geometry.shape.x)
        return isInside && box.z.contains { images[$0] != nil } ? nil : true
    }

    package func rowsFetched(with row: Int) -> Range<Int> {
        let first = row / planes.side * planes.side
        return first..<first + planes.side
    }

    package func countBlocks(
        in box: VoxelBox, forgets: Bool, token: CancellationToken
    ) -> Promise<BlockCount, VolumeError> {
        let counts = box.z.compactMap { plane in images[plane].map { (plane, $0) } }.map { plane, image in
            version(of: image, plane).flatMap { [planes, element] version in
                let all = PlanePiece(
                    plane: plane, columns: box.x, rows: box.y,
                    bytes: 0..<box.y.count * box.x.count * element.byteCount)
                let counts = TileWindow(all, version.grid).tileRanges.map { tiles in
                    let (promise, resolver) = Promise<BlockCount, VolumeError>.pending()
                    planes.countBlocks(version, tiles: tiles, forgets: forgets, token: token) { resolver.resolve($0) }
                    return promise
                }
                return Promise.all(counts).map { $0.reduce(BlockCount(), +) }
            }
        }
        return Promise.all(counts).map { $0.reduce(BlockCount(), +) }
    }

    /// What can be fetched ahead of a reader of this volume.
    ///
    /// - Parameters:
    ///   - before: the image above the first plane, which a reader that goes upwards comes to; nil when there is none.
    ///   - after: the image below the last plane, which a reader that goes downwards comes to; nil when there is none.
    package func prefetchRows(before: PlaneImage? = nil, after: PlaneImage? = nil) -> TileRows {
        TileRows(images, before: before, after: after, specimen: specimen, planes: planes)
    }
}

/// What an open volume keeps of the planes that were read.
private struct SeenPlanes {
    /// The versions of the planes read last. Those before are found again in the registry, which knows when they change.
    private var recent: [(plane: Int, version: PlaneReader.Version)] = []
    /// The planes that were found to be of another version. They stay so for the life of the volume.
    private var changed: Set<Int> = []

    /// Planes whose versions are kept, 450 bytes each: a handle that has read a whole stack takes less than 4 KB.
    private static let limit = 2

    /// The version of a plane's image; nil when it has to be asked for.
    func version(
        of image: PlaneImage, _ plane: Int, _ specimen: Int
    ) -> Result<PlaneReader.Version, VolumeError>? {
        if changed.contains(plane) {
            return .failure(.changedUpstream(object: PlaneReader.objectID(of: image, specimen: specimen)))
        }
        return recent.last { $0.plane == plane }.map { .success($0.version) }
    }

    mutating func note(_ version: PlaneReader.Version, of plane: Int) {
        if recent.count == Self.limit { recent.removeFirst() }
        recent.append((plane, version))
    }

    mutating func noteChange(of plane: Int) {
        changed.insert(plane)
        recent.removeAll { $0.plane == plane }
    }
}
