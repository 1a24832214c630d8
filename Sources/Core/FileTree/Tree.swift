internal import Catalogue
public import Logging
public import Morphology
public import SpecimenData
internal import Support
internal import VirtualTIFF

/// The services and settings a ``Tree`` stands on.
public struct TreeParts: Sendable {
    /// The list of cells.
    public var catalogue: CatalogueService
    /// Planes and files of a specimen.
    public var details: DetailsService
    /// Lengths and validators.
    public var registry: ObjectRegistry
    /// Files by extents.
    public var files: FileReader
    /// Image planes.
    public var planes: PlaneReader
    /// Labels.
    public var skeletons: SkeletonService
    /// Base of the origin's API.
    public var endpoint: String
    /// What `labels/` holds.
    public var mainVariant: LabelVariant
    /// Tile rows or extents that a sequential reader may be ahead.
    public var readAheadWindow: Int
    /// Makes the documents of `.neuronfs/`.
    public var controlDocument: @Sendable (ControlFile) -> String
    /// Whether the cache holds all, part or nothing of the object with this name: the xattr `user.neuronfs.cached`.
    public var cachedBytes: @Sendable (_ objectID: String) -> Int
    /// Where problems are told.
    public var logger: Logger

    /// Collects the parts.
    public init(
        catalogue: CatalogueService, details: DetailsService, registry: ObjectRegistry, files: FileReader,
        planes: PlaneReader, skeletons: SkeletonService, endpoint: String, mainVariant: LabelVariant,
        readAheadWindow: Int, controlDocument: @escaping @Sendable (ControlFile) -> String,
        cachedBytes: @escaping @Sendable (String) -> Int, logger: Logger
    ) {
        self.catalogue = catalogue
        self.details = details
        self.registry = registry
        self.files = files
        self.planes = planes
        self.skeletons = skeletons
        self.endpoint = endpoint
        self.mainVariant = mainVariant
        self.readAheadWindow = readAheadWindow
        self.controlDocument = controlDocument
        self.cachedBytes = cachedBytes
        self.logger = logger
    }
}

/// The file system: names, attributes and bytes of everything below the mount point.
public final class Tree: FileService {
    let parts: TreeParts
    let buffers = BufferPool(size: 1 << 20, limit: 16)
    /// TIFF headers by size: a few kilobytes each, shared by all planes of a stack.
    let layouts = MemoryCache<LayoutKey, PlaneTIFF>(limit: 4 << 20)
    /// `meta.json` by specimen; some 100 kB each.
    let metas = MemoryCache<Int, [UInt8]>(limit: 16 << 20)
    /// Zarr layouts by specimen.
    let zarrStores = MemoryCache<ZarrKey, ZarrStore>(limit: 256)
    private let index: Monitor<TreeIndex>
    private let contexts = Monitor<[Int: SpecimenContext]>([:])
    private let observers = Monitor<[@Sendable ([InodeNumber]) -> Void]>([])

    /// Specimens whose context is kept; a context of 700 planes takes about 100 kB.
    private static let contextLimit = 128

    /// A tree over `parts`.
    public init(parts: TreeParts) {
        self.parts = parts
        index = Monitor(TreeIndex(parts.catalogue.snapshot))
        parts.registry.onChange { [weak self] record in self?.upstreamChanged(record.id) }
        parts.catalogue.onChange { [weak self] snapshot in
            let index = TreeIndex(snapshot)
            self?.index.withLock { $0 = index }
            self?.contexts.withLock { $0 = [:] }
            self?.metas.removeAll { _ in true }
            self?.zarrStores.removeAll { _ in true }
        }
    }

    /// Calls `observer`, on a worker, with the inodes whose bytes or attributes are of a new version, so that the kernel
    /// can be told to forget the old ones.
    public func onInvalidation(_ observer: @escaping @Sendable ([InodeNumber]) -> Void) {
        observers.withLock { $0.append(observer) }
    }

    /// The object `id` of the origin (`<specimen>/file/<id>` or `<specimen>/image/<id>`) has a new version.
    private func upstreamChanged(_ id: String) {
        let parts = id.split(separator: "/")
        guard parts.count >= 3, let specimen = Int(parts[0]), let number = Int(parts[2]) else { return }
        let context = cachedContext(specimen)
        contexts.withLock { $0[specimen] = nil }
        metas.removeAll { $0 == specimen }
        guard let context else { return }
        let inodes = Self.nodes(madeFrom: number, isImage: parts[1] == "image", context).map(\.inode)
        for observer in observers.withLock({ $0 }) { observer(inodes) }
    }

    /// The nodes whose bytes come from a file or image of the origin. Chunks of Zarr stores are not among them: their
    /// names may be hundreds of thousands, and readers of a changed store have to open it anew.
    private static func nodes(madeFrom number: Int, isImage: Bool, _ context: SpecimenContext) -> [Node] {
        let id = context.id
        if isImage {
            let plane = context.stack?.planes.first { $0.imageID == number }
            let projections = ProjectionFile.allCases.filter { context.projection($0)?.imageID == number }
            return projections.map { .projection(id, $0) }
                + (plane.flatMap { plane in context.stack?.index(of: plane) }.map {
                    [.plane(id, .stack, $0), .specimenFile(id, .stackVolume)]
                } ?? [])
        }
        if number == context.specimen.recordingFileID { return [.specimenFile(id, .recording)] }
        let drawn = Series.allCases.filter { $0 != .stack }.flatMap { series in
            context.planeIndices.map { Node.plane(id, series, $0) }
        }
        return [.specimenFile(id, .skeleton), .specimenFile(id, .marker), .specimenFile(id, .instances)]
            + [.specimenFile(id, .labelVolume), .specimenFile(id, .meta)] + drawn
    }

    var currentIndex: TreeIndex { index.withLock { $0 } }

    /// The context of a specimen if it is in memory.
    func cachedContext(_ id: Int) -> SpecimenContext? { contexts.withLock { $0[id] } }

    /// The context of a specimen: its details and the record of its skeleton.
    func context(
        of id: Int, token: CancellationToken,
        completion: @escaping @Sendable (Result<SpecimenContext, FileTreeError>) -> Void
    ) {
        if let context = cachedContext(id) { return completion(.success(context)) }
        guard let specimen = currentIndex.snapshot[id] else { return completion(.failure(.notFound)) }
        parts.details.details(of: id, token: token) { [self] outcome in
            switch outcome {
            case .failure(let error): completion(.failure(.data(error)))
            case .success(let details):
                let bare = SpecimenContext(specimen: specimen, details: details, skeletonModified: nil)
                guard let skeleton = bare.skeletonFile(endpoint: parts.endpoint) else {
                    keep(bare)
                    return completion(.success(bare))
                }
                parts.files.version(of: skeleton, token: token) { [self] outcome in
                    switch outcome {
                    case .failure(.cancelled): completion(.failure(.data(.cancelled)))
                    case .failure:
                        // The folder is shown all the same; the skeleton itself will tell what is wrong with it.
                        completion(.success(bare))
                    case .success(let version):
                        let context = SpecimenContext(
                            specimen: specimen, details: details, skeletonModified: version.modified)
                        keep(context)
                        completion(.success(context))
                    }
                }
            }
        }
    }

    private func keep(_ context: SpecimenContext) {
        contexts.withLock { contexts in
            if contexts.count >= Self.contextLimit, let victim = contexts.keys.first { contexts[victim] = nil }
            contexts[context.id] = context
        }
    }

    /// Counts what can be counted without asking: one file a specimen and what stands at the top.
    public func statistics() -> FileSystemStatistics {
        let specimens = currentIndex.snapshot.specimens
        // Planes of a specimen are known after its first use; the frames alone give the order of magnitude.
        let bytes = specimens.reduce(0) { $0 + ($1.frameWidth ?? 0) * ($1.frameHeight ?? 0) * Self.typicalDepth }
        return FileSystemStatistics(totalBytes: bytes, files: specimens.count)
    }

    /// Planes of a typical stack (allen-data: 300 to 700), for `statfs` alone.
    private static let typicalDepth = 450
}
