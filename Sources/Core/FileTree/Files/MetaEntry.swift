internal import Fetch
internal import Specimens
internal import Support
internal import Volumes

/// `meta.json`. It holds what was found in the skeleton, which is read for that.
struct MetaEntry: SpecimenLeaf {
    let id: Int

    var node: Node { .specimenFile(id, .meta) }
    var place: String { SpecimenFile.meta.name }

    func mayExist(_ row: Specimen) -> Bool { true }

    func known(_ context: SpecimenContext, _ tree: TreeState) -> Knowledge {
        knownBytes(context, tree).map { .known(facts(of: $0, context, tree)) } ?? .unknown
    }

    func ask(_ context: SpecimenContext, _ tree: TreeState, token: CancellationToken) -> Answer<Facts> {
        bytes(context, tree, token: token).map { facts(of: $0, context, tree) }
    }

    func open(_ context: SpecimenContext, _ tree: TreeState, token: CancellationToken) -> Answer<any OpenFile> {
        // Asked for first: bytes of an older list then count as stale, never the other way round.
        let generation = tree.index.snapshot.generation
        return bytes(context, tree, token: token).map {
            tree.catalogueFile($0.value, node, of: generation, and: $0.versions)
        }
    }

    func isMade(from objects: ChangedObjects, _ context: SpecimenContext) -> Bool { objects.hasTracing }

    private func facts(of bytes: Derived<[UInt8]>, _ context: SpecimenContext, _ tree: TreeState) -> Facts {
        .file(size: bytes.value.count, modified: tree.time(of: context))
    }

    /// The bytes where nothing has to be asked for: those made before, and those of a cell without a skeleton.
    private func knownBytes(_ context: SpecimenContext, _ tree: TreeState) -> Derived<[UInt8]>? {
        if let known = tree.documents[DocumentKey(specimen: id, file: .meta)] { return known }
        guard context.objects.skeleton == nil else { return nil }
        return make(context, Derived(value: nil, versions: []), tree)
    }

    /// The bytes, made once for each context.
    private func bytes(
        _ context: SpecimenContext, _ tree: TreeState, token: CancellationToken
    ) -> Answer<Derived<[UInt8]>> {
        if let known = knownBytes(context, tree) { return Promise(.success(known)) }
        guard let skeleton = context.objects.skeleton else { return Promise(.failure(.notFound)) }
        return tree.parts.skeletons.reading(
            of: skeleton, units: context.skeletonUnits, in: context.stackGrid, token: token
        )
        .map { make(context, $0.map { $0 }, tree) }.mapError { .data($0) }
    }

    private func make(
        _ context: SpecimenContext, _ reading: Derived<SkeletonService.Reading?>, _ tree: TreeState
    ) -> Derived<[UInt8]> {
        let document = MetaJSON(context: context, reading: reading.value, mainVariant: tree.parts.mainVariant)
        let meta = reading.map { _ in document.bytes }
        tree.keep(meta, .meta, of: context)
        return meta
    }
}
