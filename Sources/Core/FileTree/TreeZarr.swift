internal import Layouts
internal import Morphology
internal import SpecimenData
internal import Specimens
internal import Support

extension TreeState {
    /// The store of a specimen's series, made once a context.
    func zarrStore(_ context: SpecimenContext, _ series: Series) -> ZarrStore? {
        guard series == .stack || context.hasLabels else { return nil }
        let key = ZarrKey(specimen: context.id, series: series)
        if let store = zarrStores[key] { return store }
        guard let store = ZarrStore(context, series, main: parts.mainVariant) else { return nil }
        zarrStores.insert(store, for: key, cost: 1)
        return store
    }

    typealias Box = (planes: Range<Int>, rows: Range<Int>, columns: Range<Int>)
    /// Tells whether a chunk of a level holds anything.
    typealias Presence = @Sendable (Box) -> Bool

    /// What tells whether a chunk of a level holds anything.
    func chunkPresence(
        _ context: SpecimenContext, _ series: Series, level: Int, token: CancellationToken,
        completion: @escaping @Sendable (Result<Presence, FileTreeError>) -> Void
    ) {
        guard series != .stack else { return completion(.success(presence(ofImages: context))) }
        labelSource(context, series, level: level, token: token) { [self] outcome in
            completion(outcome.map { presence(of: $0.value) })
        }
    }

    /// What ``chunkPresence`` gives, where it needs neither the origin nor work; nil elsewhere.
    func knownPresence(_ context: SpecimenContext, _ series: Series, level: Int) -> Presence? {
        guard series != .stack else { return presence(ofImages: context) }
        guard let variant = series.variant(main: parts.mainVariant),
            let subject = context.subject(in: context.stackGrid),
            let source = parts.skeletons.cachedLabels(of: subject, variant: variant, level: level)
        else { return nil }
        return presence(of: withGaps(source, variant, context))
    }

    /// A plane that the database does not have is the fill value.
    private func presence(ofImages context: SpecimenContext) -> Presence {
        { box in box.planes.contains { context.volumePlane(at: $0) != nil } }
    }

    private func presence(of source: any LabelSource) -> Presence {
        { box in !source.isEmpty(planes: box.planes, x: box.columns, y: box.rows) }
    }

    /// `labels`, in which planes without an image are unknown.
    private func withGaps(
        _ labels: any LabelSource, _ variant: LabelVariant, _ context: SpecimenContext
    ) -> any LabelSource {
        context.gaps.isEmpty
            ? labels : GappedLabels(labels, gaps: context.gaps, value: variant.valueWithoutImage)
    }

    /// The labels of a specimen's whole stack at one level; planes without an image are unknown.
    func labelSource(
        _ context: SpecimenContext, _ series: Series, level: Int, token: CancellationToken,
        completion: @escaping @Sendable (Result<Derived<any LabelSource>, FileTreeError>) -> Void
    ) {
        guard let variant = series.variant(main: parts.mainVariant),
            let subject = context.subject(in: context.stackGrid)
        else { return completion(.failure(.notFound)) }
        parts.skeletons.labels(of: subject, variant: variant, level: level, token: token) { [self] outcome in
            completion(
                outcome.mapError { .data($0) }.map { labels in labels.map { withGaps($0, variant, context) } })
        }
    }

    /// Opens a metadata file or a chunk.
    func openZarr(
        _ context: SpecimenContext, _ series: Series, _ number: Int, token: CancellationToken,
        completion: @escaping @Sendable (Result<any OpenFile, FileTreeError>) -> Void
    ) {
        guard let store = zarrStore(context, series), let node = store.node(number) else {
            return completion(.failure(.notFound))
        }
        if node.isDirectory { return completion(.failure(.isDirectory)) }
        if let bytes = store.image.metadata(of: node) { return completion(.success(BytesFile(bytes))) }
        guard case .chunk(let level, let index) = node else { return completion(.failure(.notFound)) }
        let box = store.box(level: level, index: index)
        guard series == .stack else {
            return labelSource(context, series, level: level, token: token) { [self] outcome in
                completion(
                    outcome.flatMap { source in
                        guard presence(of: source.value)(box) else { return .failure(.notFound) }
                        return .success(
                            VersionedFile(
                                LabelChunkFile(source: source.value, box: box, buffers: buffers),
                                of: source.versions, registry: parts.registry))
                    })
            }
        }
        guard let plane = box.planes.first, let image = context.volumePlane(at: plane) else {
            return completion(.failure(.notFound))
        }
        parts.planes.version(of: image, specimen: context.id, level: level) { [self] version in
            completion(
                .success(
                    VersionedFile(
                        ImageChunkFile(
                            version: version, tile: index.y * version.grid.columns + index.x,
                            side: ZarrStore.stackChunk.x, planes: parts.planes), of: version, planes: parts.planes,
                        registry: parts.registry)))
        }
    }
}

/// Which store.
struct ZarrKey: Hashable, Sendable {
    var specimen: Int
    var series: Series
}
