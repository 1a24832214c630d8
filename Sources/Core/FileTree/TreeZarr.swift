internal import Layouts
internal import Morphology
internal import Specimens
internal import Support
internal import Volumes

extension TreeState {
    /// A store of a specimen, made once a context.
    func zarrStore(_ context: SpecimenContext, _ kind: ZarrStoreKind) -> ZarrStore? {
        guard kind == .stack || context.hasLabels else { return nil }
        // Labels stand in the store of the stack where there is such a store.
        if kind == .nestedLabels, zarrStore(context, .stack) == nil { return nil }
        let key = ZarrKey(specimen: context.id, kind: kind)
        if let store = zarrStores[key] { return store }
        guard let store = ZarrStore(context, kind, main: parts.mainVariant) else { return nil }
        // Not of a context that was begun under an older list of cells, in which the cell may have had no labels.
        if contexts.isCurrent(context) { zarrStores.insert(store, for: key, cost: 1) }
        return store
    }

    /// Tells whether a chunk of a level holds anything.
    typealias Presence = @Sendable (VoxelBox) -> Bool

    /// What tells whether a chunk of a level holds anything.
    func chunkPresence(
        _ context: SpecimenContext, _ series: Series, level: Int, token: CancellationToken,
        completion: @escaping @Sendable (Result<Presence, FileTreeError>) -> Void
    ) {
        guard series != .stack else { return completion(.success(presence(ofImages: context))) }
        labelVolume(context, series, level: level, token: token) { outcome in
            completion(outcome.map { volume in { volume.isEmpty($0) != true } })
        }
    }

    /// What ``chunkPresence`` gives, where it needs neither the source nor work; nil elsewhere.
    func knownPresence(_ context: SpecimenContext, _ series: Series, level: Int) -> Presence? {
        guard series != .stack else { return presence(ofImages: context) }
        guard let variant = series.variant(main: parts.mainVariant),
            let subject = context.subject(in: context.stackGrid),
            let source = parts.skeletons.cachedLabels(of: subject, variant: variant, level: level)
        else { return nil }
        let volume = LabelVolume(source, variant: variant, gaps: context.gaps, watch: VersionWatch([], parts.registry))
        return { volume.isEmpty($0) != true }
    }

    /// A plane that the database does not have is the fill value.
    private func presence(ofImages context: SpecimenContext) -> Presence {
        { box in box.z.contains { context.volumePlane(at: $0) != nil } }
    }

    /// Opens a metadata file or a chunk.
    ///
    /// - Parameter generation: that of the list of cells before `context` was asked for.
    func openZarr(
        _ context: SpecimenContext, _ entry: ZarrEntry, of generation: Int, token: CancellationToken,
        completion: @escaping @Sendable (Result<any OpenFile, FileTreeError>) -> Void
    ) {
        guard let store = zarrStore(context, entry.store), let node = entry.node(in: store) else {
            return completion(.failure(.notFound))
        }
        let series = entry.store.series
        if node.isDirectory { return completion(.failure(.isDirectory)) }
        if let bytes = store.image.metadata(of: node) {
            // The consolidated metadata of a stack have those of its labels, which a newer list of cells may bring.
            let isOfList = entry.store == .stack && node == .consolidatedMetadata
            return completion(
                .success(
                    isOfList
                        ? catalogueFile(bytes, entry.node, of: generation)
                        : BytesFile(openBytes.share(bytes, for: entry.node))))
        }
        guard case .chunk(let level, let index) = node else { return completion(.failure(.notFound)) }
        var box = store.box(level: level, index: index)
        guard series == .stack else {
            return labelVolume(context, series, level: level, token: token) { [buffers, box] outcome in
                completion(
                    outcome.flatMap { volume in
                        guard volume.isEmpty(box) != true else { return .failure(.notFound) }
                        let chunk = ZarrChunk(voxels: box, element: volume.element)
                        return .success(ArrayFile(chunk, of: volume, buffers: buffers))
                    })
            }
        }
        // A chunk of images has one plane, so only that plane's image can make it stale.
        let plane = box.z.lowerBound
        guard let image = context.volumePlane(at: plane) else { return completion(.failure(.notFound)) }
        box.z = 0..<1
        parts.planes.settle(.plane(image), specimen: context.id).whenDone { [self, box] _ in
            let volume = planeVolume(context, image, plane).level(level)
            let chunk = ZarrChunk(voxels: box, element: volume.element)
            completion(.success(ArrayFile(chunk, of: volume, buffers: buffers)))
        }
    }
}

/// Which store.
struct ZarrKey: Hashable, Sendable {
    var specimen: Int
    var kind: ZarrStoreKind
}
