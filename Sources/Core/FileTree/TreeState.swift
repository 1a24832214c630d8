internal import Fetch
internal import Layouts
internal import Specimens
internal import Support
internal import Volumes

/// What entries stand on: the services below the tree, what the tree keeps of cells and files, and the list of cells.
final class TreeState: Sendable {
    let parts: TreeParts
    let contexts: SpecimenContexts
    let toldSizes = ToldSizes()
    let buffers = BufferPool(size: 1 << 20, limit: 16)
    let strips = StripCache()
    /// What is under way for the images that readers of stack files come to next.
    let transfers = MemoryCache<Int, CancellationToken>(limit: 64)
    /// TIFF headers by size: a few kilobytes each, shared by all planes of a stack.
    let layouts = MemoryCache<LayoutKey, PlaneTIFF>(limit: 4 << 20)
    /// Layouts of whole series, a kilobyte each.
    let volumeLayouts = MemoryCache<VolumeLayoutKey, any ArrayLayout>(limit: 1024)
    /// `meta.json` and `labels-instance.json`; up to some 100 kB each.
    let documents = MemoryCache<DocumentKey, Derived<[UInt8]>>(limit: 16 << 20)
    /// Bytes of open files that are made here.
    let openBytes = SharedBytes()
    /// Zarr layouts by specimen.
    let zarrStores = MemoryCache<ZarrKey, ZarrStore>(limit: 256)
    /// Bytes of `labels-instance.json` by the version of the skeleton it is made from.
    let instanceSizes = MemoryCache<ObjectVersion, Int>(limit: 4096)
    private let current: Monitor<TreeIndex>
    /// The catalogue's generation when the mount began: until it grows the kernel may keep the pages of what is made
    /// from the catalogue.
    private let firstGeneration: Int

    init(_ parts: TreeParts) {
        self.parts = parts
        let first = TreeIndex(parts.source.list, parts.source)
        current = Monitor(first)
        firstGeneration = first.snapshot.generation
        contexts = SpecimenContexts(parts, current)
    }

    /// The present list of cells.
    var index: TreeIndex { current.withLock { $0 } }

    /// Takes `newer` as the list of cells, and forgets what was made from the one before if that was another.
    ///
    /// - Returns: the one before, or nil when it was the same.
    func replaceIndex(by newer: TreeIndex) -> TreeIndex? {
        let older = current.withLock { current in
            defer { current = newer }
            return current
        }
        guard older.snapshot.generation != newer.snapshot.generation else { return nil }
        contexts.removeAll()
        documents.removeAll { _ in true }
        zarrStores.removeAll { _ in true }
        return older
    }

    /// The date of what is drawn or told of a specimen, seconds since 1970.
    func time(of context: SpecimenContext) -> Double { context.skeletonModified ?? index.snapshot.fetchedAt }

    /// Keeps a document that was made for `context`. Not of a context that was begun under an older list of cells, nor of
    /// objects that have changed meanwhile.
    func keep(_ document: Derived<[UInt8]>, _ file: SpecimenFile, of context: SpecimenContext) {
        guard contexts.isCurrent(context), parts.registry.holds(document.versions) else { return }
        documents.insert(
            document, for: DocumentKey(specimen: context.id, file: file), cost: document.value.count)
    }

    /// Bytes made from the catalogue of `generation`, and from files of the source at `versions`, as a file that is stale
    /// once one of them is another.
    func catalogueFile(
        _ bytes: [UInt8], _ node: Node, of generation: Int, and versions: [ObjectVersion] = []
    ) -> any OpenFile {
        VersionedFile(BytesFile(openBytes.share(bytes, for: node))) { [self] in
            index.snapshot.generation == generation && parts.registry.holds(versions)
        } hasChanged: { [parts, firstGeneration] in
            generation != firstGeneration || versions.contains { parts.registry.hasChanged($0.id) }
        }
    }
}

/// Which document of which specimen.
struct DocumentKey: Hashable, Sendable {
    var specimen: Int
    var file: SpecimenFile
}
