package import Fetch
package import Layouts
package import Specimens
package import Support

/// The images of a specimen as a volume, read tile by tile. A plane without an image reads as 0.
package final class ImageVolume: Volume {
    package let geometry: VolumeGeometry
    package let element: VoxelType

    private let images: [PlaneImage?]
    private let specimen: Int
    private let exponent: Int
    private let planes: PlaneReader
    private let registry: ObjectRegistry
    /// The registry's moment of the open. A plane that changes later is no longer the one that this volume shows, whether or
    /// not it was read: the kernel may have given its reader pages of another handle.
    private let opened: Int
    /// The version of each plane that was read, or the failure of a plane that was found to be of another one. Both stay the
    /// same for the life of the volume.
    private let versions = Monitor<[Int: Result<PlaneReader.Version, VolumeError>]>([:])

    /// - Parameters:
    ///   - images: one for each plane, of the size that `geometry` says; nil where there is none.
    ///   - geometry: of full resolution.
    package convenience init(
        _ images: [PlaneImage?], of specimen: Int, geometry: VolumeGeometry, planes: PlaneReader,
        registry: ObjectRegistry
    ) {
        self.init(images, specimen, geometry, exponent: 0, planes, registry, opened: registry.moment)
    }

    private init(
        _ images: [PlaneImage?], _ specimen: Int, _ geometry: VolumeGeometry, exponent: Int, _ planes: PlaneReader,
        _ registry: ObjectRegistry, opened: Int
    ) {
        self.images = images
        self.specimen = specimen
        self.geometry = geometry
        // A plane of other bits than the rest is a gap.
        element = VoxelType(bits: images.lazy.compactMap { $0?.bits }.first ?? 8)
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
    package var hasChanged: Bool { hasChanged(0..<images.count, since: 0) }

    private func hasChanged(_ planes: Range<Int>, since moment: Int) -> Bool {
        // Most mounts never see a change: then no plane need be looked at.
        guard registry.moment > moment else { return false }
        return planes.contains { plane in
            image(of: plane).map {
                registry.hasChanged(PlaneReader.objectID(of: $0, specimen: specimen), since: moment)
            } ?? false
        }
    }

    private func image(of plane: Int) -> PlaneImage? { images.indices.contains(plane) ? images[plane] : nil }

    /// The version of a plane's image, at once when the registry has it in memory.
    private func version(of image: PlaneImage, _ plane: Int) -> Promise<PlaneReader.Version, VolumeError> {
        if let known = versions.withLock({ $0[plane] }) { return Promise(known) }
        let (promise, resolver) = Promise<PlaneReader.Version, VolumeError>.pending()
        planes.version(of: image, specimen: specimen, level: exponent) { [self] loaded in
            // Asked after the version is known, which may be a later one than that of the open.
            let isCurrent = !registry.hasChanged(loaded.objectID, since: opened)
            let version = versions.withLock { versions in
                let first =
                    versions[plane]
                    ?? (isCurrent ? .success(loaded) : .failure(.changedUpstream(object: loaded.objectID)))
                versions[plane] = first
                return first
            }
            resolver.resolve(version)
        }
        return promise
    }

    /// Notes when a read has found a plane to be of another version: what was read of it before is of the old one.
    private func note(_ outcome: Result<VoxelCopy, VolumeError>, of plane: Int) {
        guard case .failure(.changedUpstream(let object)) = outcome else { return }
        versions.withLock { $0[plane] = .failure(.changedUpstream(object: object)) }
    }

    /// The version of a plane's image, if it is in memory and the present one.
    private func currentVersion(of image: PlaneImage, _ plane: Int) -> PlaneReader.Version? {
        guard case .success(let version)? = version(of: image, plane).result else { return nil }
        return planes.isCurrent(version) ? version : nil
    }

    package func readNow(_ piece: PlanePiece, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
        guard let image = image(of: piece.plane) else {
            unsafe buffer.zero()
            return true
        }
        guard let version = currentVersion(of: image, piece.plane) else { return false }
        return unsafe planes.readNow(version, TileWindow(piece, version.grid), into: buffer)
    }

    package func cost(of piece: PlanePiece) -> ReadCost {
        guard let image = image(of: piece.plane) else { return .memory }
        guard let version = currentVersion(of: image, piece.plane) else { return .fetch }
        return planes.holds(version, TileWindow(piece, version.grid)) ? .memory : .fetch
    }

    package func read(_ piece: PlanePiece, token: CancellationToken) -> Promise<VoxelCopy, VolumeError> {
        guard let image = image(of: piece.plane) else { return Promise(.success(.zeros)) }
        return version(of: image, piece.plane).flatMap { [self] version in
            let voxels = planes.read(version, TileWindow(piece, version.grid), token: token)
            voxels.whenDone { [self] outcome in note(outcome, of: piece.plane) }
            return voxels
        }
    }

    package func isEmpty(_ box: VoxelBox) -> Bool? {
        let isInside = box.y.overlaps(0..<geometry.shape.y) && box.x.overlaps(0..<geometry.shape.x)
        return isInside && box.z.contains { image(of: $0) != nil } ? nil : true
    }

    package func rowsFetched(with row: Int) -> Range<Int> {
        let first = row / planes.side * planes.side
        return first..<first + planes.side
    }

    package func countBlocks(
        in box: VoxelBox, forgets: Bool, token: CancellationToken
    ) -> Promise<BlockCount, VolumeError> {
        let counts = box.z.compactMap { plane in image(of: plane).map { (plane, $0) } }.map { plane, image in
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
