package import Fetch
package import Logging
package import Morphology
package import SpecimenData
package import Specimens
internal import Support
internal import VirtualTIFF

/// The services and settings a ``Tree`` stands on.
package struct TreeParts: Sendable {
    /// Where the specimens come from.
    package var source: any SpecimenSource
    /// Lengths and validators.
    package var registry: ObjectRegistry
    /// Files by extents.
    package var files: FileReader
    /// Image planes.
    package var planes: PlaneReader
    /// Labels.
    package var skeletons: SkeletonService
    /// What `labels/` holds.
    package var mainVariant: LabelVariant
    /// Tile rows or extents that a sequential reader may be ahead.
    package var readAheadWindow: Int
    /// Makes the documents of `.neuronfs/`.
    package var controlDocument: @Sendable (ControlFile) -> String
    /// Whether the cache holds all, part or nothing of the object with this name: the xattr `user.neuronfs.cached`.
    package var cachedBytes: @Sendable (_ objectID: String) -> Int
    /// Where problems are told.
    package var logger: Logger

    /// Collects the parts.
    package init(
        source: any SpecimenSource, registry: ObjectRegistry, files: FileReader,
        planes: PlaneReader, skeletons: SkeletonService, mainVariant: LabelVariant,
        readAheadWindow: Int, controlDocument: @escaping @Sendable (ControlFile) -> String,
        cachedBytes: @escaping @Sendable (String) -> Int, logger: Logger
    ) {
        self.source = source
        self.registry = registry
        self.files = files
        self.planes = planes
        self.skeletons = skeletons
        self.mainVariant = mainVariant
        self.readAheadWindow = readAheadWindow
        self.controlDocument = controlDocument
        self.cachedBytes = cachedBytes
        self.logger = logger
    }
}

/// The file system: names, attributes and bytes of everything below the mount point.
package final class Tree: FileService {
    let parts: TreeParts
    let buffers = BufferPool(size: 1 << 20, limit: 16)
    let strips = StripCache()
    let handovers = PlaneLookahead.Handovers(limit: 64)
    /// TIFF headers by size: a few kilobytes each, shared by all planes of a stack.
    let layouts = MemoryCache<LayoutKey, PlaneTIFF>(limit: 4 << 20)
    /// `meta.json` by specimen; some 100 kB each.
    let metas = MemoryCache<Int, Derived<[UInt8]>>(limit: 16 << 20)
    /// Zarr layouts by specimen.
    let zarrStores = MemoryCache<ZarrKey, ZarrStore>(limit: 256)
    /// Bytes of `labels-instance.json` by the version of the skeleton it is made from.
    let instanceSizes = MemoryCache<ObjectVersion, Int>(limit: 4096)
    let toldSizes = ToldSizes()
    private let index: Monitor<TreeIndex>
    private let contexts = Monitor<[Int: KeptContext]>([:])
    private let observers = Monitor<[@Sendable (Invalidation) -> Void]>([])
    /// The catalogue's generation when the mount began: until it grows the kernel may keep the pages of what is made
    /// from the catalogue.
    private let firstGeneration: Int

    private struct KeptContext {
        var context: SpecimenContext
        /// When it is put together anew; nil for one that is complete.
        var end: Instant?
    }

    /// Seconds for which a context without the date of its skeleton is kept. The question for it fails again and again
    /// during an outage, and each look at the folder would wait for it.
    private static let bareContextLife = 10.0

    /// Specimens whose context is kept; a context of 700 planes takes about 100 kB.
    private static let contextLimit = 128

    /// A tree over `parts`.
    package init(parts: TreeParts) {
        self.parts = parts
        let first = Self.index(parts.source.list, of: parts.source)
        index = Monitor(first)
        firstGeneration = first.snapshot.generation
        parts.registry.onChange { [weak self] record in self?.upstreamChanged(record.id) }
        parts.source.onListChange { [weak self] list in self?.catalogueChanged(list) }
    }

    private static func index(_ list: SpecimenList, of source: any SpecimenSource) -> TreeIndex {
        TreeIndex(list, source.texts(of: list))
    }

    /// Calls `observer`, on a worker, with what is of a new version, so that the kernel can be told to forget the old one.
    package func onInvalidation(_ observer: @escaping @Sendable (Invalidation) -> Void) {
        observers.withLock { $0.append(observer) }
    }

    /// A list of cells has arrived, which may be the same as before.
    private func catalogueChanged(_ snapshot: SpecimenList) {
        let newer = Self.index(snapshot, of: parts.source)
        let older = index.withLock { index in
            defer { index = newer }
            return index
        }
        guard older.snapshot.generation != snapshot.generation else { return }
        contexts.withLock { $0 = [:] }
        metas.removeAll { _ in true }
        zarrStores.removeAll { _ in true }
        announce(older.invalidation(by: newer))
        for id in newer.changedSpecimens(since: older) {
            guard let before = older.snapshot[id], let after = snapshot[id] else { continue }
            replaced(before.skeleton, by: after.skeleton)
            replaced(before.recording, by: after.recording)
        }
    }

    /// The catalogue names another file than before in the same place of a specimen.
    private func replaced(_ old: ObjectID?, by new: ObjectID?) {
        guard let old, let new, old != new else { return }
        parts.registry.supersede(old, by: new)
        upstreamChanged(new)
    }

    /// Bytes made from the catalogue of `generation`, and from files of the origin at `versions`, as a file that is stale
    /// once one of them is another.
    func catalogueFile(
        _ bytes: [UInt8], of generation: Int, and versions: [ObjectVersion] = []
    ) -> any OpenFile {
        let registry = parts.registry
        return VersionedFile(BytesFile(bytes)) { [weak self] in
            let isCurrent = self.map { $0.currentIndex.snapshot.generation == generation } ?? true
            return isCurrent && registry.holds(versions)
        } hasChanged: { [firstGeneration] in
            generation != firstGeneration || versions.contains { registry.hasChanged($0.id) }
        }
    }

    private func announce(_ change: Invalidation) {
        for observer in observers.withLock({ $0 }) { observer(change) }
    }

    /// The object `id` of the source has a new version.
    private func upstreamChanged(_ id: ObjectID) {
        let (specimen, number, isImage) = (id.specimen, id.number, id.kind == .image)
        let context = cachedContext(specimen)
        contexts.withLock { $0[specimen] = nil }
        metas.removeAll { $0 == specimen }
        if let context { return forget(madeFrom: number, isImage: isImage, context) }
        // After an earlier change, a refresh of the catalogue, or many other specimens: memory or disk has the details.
        guard let row = currentIndex.snapshot[specimen] else { return }
        parts.source.objects(of: row, token: CancellationToken()).whenDone { [self] outcome in
            switch outcome {
            case .failure(let error):
                // An open drops stale pages by itself; what is missed are mapped pages and sizes.
                parts.logger.warning(
                    "the kernel is not told of a change", metadata: ["object": "\(id)", "reason": "\(error)"])
            case .success(let objects):
                let context = SpecimenContext(specimen: row, objects: objects, skeletonModified: nil)
                forget(madeFrom: number, isImage: isImage, context)
            }
        }
    }

    /// Has the kernel told of what is made from the file or image `number`.
    private func forget(madeFrom number: Int, isImage: Bool, _ context: SpecimenContext) {
        var change = Invalidation(inodes: Self.nodes(madeFrom: number, isImage: isImage, context).map(\.inode))
        if !isImage, number != context.specimen.recording?.number, context.hasLabels {
            // A chunk of labels is there when something is drawn in it.
            change.names = [Invalidation.Name(directory: Node.specimen(context.id).inode, name: "labels.ome.zarr")]
        }
        announce(change)
    }

    /// The nodes whose bytes come from a file or image of the origin. Chunks of Zarr stores are not among them: their
    /// names may be hundreds of thousands. An open of a changed one drops its pages.
    private static func nodes(madeFrom number: Int, isImage: Bool, _ context: SpecimenContext) -> [Node] {
        let id = context.id
        if isImage {
            let plane = context.stack?.planes.first { $0.imageID == number }
            let projections = ProjectionFile.allCases.filter { context.projection($0)?.projection.imageID == number }
            return projections.map { .projection(id, $0) }
                + (plane.flatMap { plane in context.stack?.index(of: plane) }.map {
                    [.plane(id, .stack, $0), .specimenFile(id, .stackVolume)]
                } ?? [])
        }
        if number == context.specimen.recording?.number { return [.specimenFile(id, .recording)] }
        let drawn = Series.allCases.filter { $0 != .stack }.flatMap { series in
            context.planeIndices.map { Node.plane(id, series, $0) }
        }
        return [.specimenFile(id, .skeleton), .specimenFile(id, .marker), .specimenFile(id, .instances)]
            + [.specimenFile(id, .labelVolume), .specimenFile(id, .meta)] + drawn
    }

    var currentIndex: TreeIndex { index.withLock { $0 } }

    /// The context of a specimen if it is in memory.
    func cachedContext(_ id: Int) -> SpecimenContext? {
        guard let kept = contexts.withLock({ $0[id] }) else { return nil }
        if let end = kept.end, end <= .now { return nil }
        return kept.context
    }

    /// The context of a specimen: its details and the record of its skeleton.
    func context(
        of id: Int, token: CancellationToken,
        completion: @escaping @Sendable (Result<SpecimenContext, FileTreeError>) -> Void
    ) {
        if let context = cachedContext(id) { return completion(.success(context)) }
        guard let specimen = currentIndex.snapshot[id] else { return completion(.failure(.notFound)) }
        parts.source.objects(of: specimen, token: token).whenDone { [self] outcome in
            switch outcome {
            case .failure(let error):
                completion(.failure(.data(SpecimenDataError(error, what: "what the source has of cell \(id)"))))
            case .success(let objects):
                let bare = SpecimenContext(specimen: specimen, objects: objects, skeletonModified: nil)
                guard let skeleton = bare.objects.skeleton else {
                    keep(bare)
                    return completion(.success(bare))
                }
                parts.files.version(of: skeleton, token: token) { [self] outcome in
                    switch outcome {
                    case .failure(.cancelled): completion(.failure(.data(.cancelled)))
                    case .failure:
                        // The folder is shown all the same; the skeleton itself will tell what is wrong with it.
                        keep(bare, until: .now.advanced(bySeconds: Self.bareContextLife))
                        completion(.success(bare))
                    case .success(let version):
                        let context = SpecimenContext(
                            specimen: specimen, objects: objects, skeletonModified: version.modified)
                        keep(context)
                        completion(.success(context))
                    }
                }
            }
        }
    }

    /// Whether the present list of cells says of the specimen what it said when the context was begun.
    func isCurrent(_ context: SpecimenContext) -> Bool {
        currentIndex.snapshot[context.id].map { $0.hasSameRow(as: context.specimen) } ?? false
    }

    private func keep(_ context: SpecimenContext, until end: Instant? = nil) {
        guard isCurrent(context) else { return }
        contexts.withLock { contexts in
            if contexts.count >= Self.contextLimit, let victim = contexts.keys.first { contexts[victim] = nil }
            contexts[context.id] = KeptContext(context: context, end: end)
        }
    }
}
