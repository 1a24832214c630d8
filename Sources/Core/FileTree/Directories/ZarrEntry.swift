internal import Layouts
internal import Morphology
internal import Specimens
internal import Support
internal import Volumes

/// A file or directory of a Zarr store. Which one it is, and what is in it, follows from the geometry of the stack.
struct ZarrEntry: SpecimenEntry {
    let id: Int
    /// Its number in the store; 0 is the store itself.
    let number: Int
    let store: ZarrStoreKind
    /// What it is, where the geometry was at hand when the entry was made.
    var resolved: OMEZarrNode?

    var node: Node { store == .nestedLabels ? .nestedLabels(id, number) : .zarr(id, series, number) }
    /// Without the geometry only the store itself is certain; the kernel asks here for the others while they are open files.
    var kind: FileKind { resolved?.isDirectory ?? (number == 0) ? .directory : .file }
    var sizeFolder: Node? { ZarrEntry(id: id, number: 0, store: store).node }
    var place: String { store == .nestedLabels ? LabelsGroupFolder(id: id).place : store.folder }

    private var series: Series { store.series }

    /// Of a store of which nothing is in memory only the store is named.
    func path(_ tree: TreeState) -> String? {
        guard let folder = SpecimenFolder(id: id).path(tree.index) else { return nil }
        let known = resolved ?? tree.contexts.cached(id).flatMap { tree.zarrStore($0, store) }?.node(number)
        let names = [folder, place] + (store == .nestedLabels ? [tree.parts.mainVariant.name] : [])
        return (names + (known?.components ?? [])).joined(separator: "/")
    }

    func mayExist(_ row: Specimen) -> Bool { series.mayExist(row) }

    /// Files of labels stand in `stack.ome.zarr/labels/` as well, unless they differ there.
    func nameCount(_ index: TreeIndex) -> Int {
        (1 + index.views(of: id).count) * (store == .labels && !ZarrNumbering.namesImage(number) ? 2 : 1)
    }

    /// Chunks without content are not there: readers take the fill value.
    func known(_ context: SpecimenContext, _ tree: TreeState) -> Knowledge {
        guard let store = tree.zarrStore(context, store), let node = node(in: store) else { return .absent }
        let facts = facts(of: node, store, context, tree)
        guard case .chunk(let level, let index) = node else { return .known(facts) }
        guard let isPresent = tree.knownPresence(context, series, level: level) else { return .unverified(facts) }
        return isPresent(store.box(level: level, index: index)) ? .known(facts) : .absent
    }

    func ask(_ context: SpecimenContext, _ tree: TreeState, token: CancellationToken) -> Answer<Facts> {
        guard let store = tree.zarrStore(context, store), let node = node(in: store),
            case .chunk(let level, let index) = node
        else { return Promise(.failure(.notFound)) }
        return presence(context, level: level, tree, token: token).flatMap { isPresent in
            Promise(
                isPresent(store.box(level: level, index: index))
                    ? .success(facts(of: node, store, context, tree)) : .failure(.notFound))
        }
    }

    func settled(_ tree: TreeState, token: CancellationToken) -> Answer<any Entry> {
        guard resolved == nil, number != 0 else { return Promise(.success(self)) }
        return withContext(tree, token: token) { context in
            tree.zarrStore(context, store).flatMap { store in node(in: store).map { entry(of: $0, store) } }
        }
    }

    func child(_ name: String, _ tree: TreeState, token: CancellationToken) -> Answer<any Entry> {
        withContext(tree, token: token) { context in
            guard let store = tree.zarrStore(context, store) else { return nil }
            if number == 0, store.hasLabels, name == OMEZarrLabels.folder { return LabelsGroupFolder(id: id) }
            return store.child(name, of: number).map { entry(of: $0, store) }
        }
    }

    func children(_ tree: TreeState, token: CancellationToken) -> Answer<[Child]> {
        tree.contexts.context(of: id, token: token).flatMap { context in
            guard let store = tree.zarrStore(context, store), let children = store.children(of: number) else {
                return Promise(.failure(.notFound))
            }
            let labels = LabelsGroupFolder(id: id)
            let group = number == 0 && store.hasLabels ? tree.present([(OMEZarrLabels.folder, labels)], context) : []
            let list: @Sendable ([(name: String, node: OMEZarrNode)]) -> [Child] = { children in
                children.map { name, node in
                    Child(name: name, entry: entry(of: node, store), facts: facts(of: node, store, context, tree))
                }
            }
            guard case .chunkRow(let level, _, _) = store.node(number) else {
                return Promise(.success(list(children) + group))
            }
            return presence(context, level: level, tree, token: token).map { isPresent in
                list(
                    children.filter { _, node in
                        guard case .chunk(_, let index) = node else { return true }
                        return isPresent(store.box(level: level, index: index))
                    })
            }
        }
    }

    func open(_ tree: TreeState, token: CancellationToken) -> Answer<any OpenFile> {
        // Asked for first: bytes of an older list then count as stale, never the other way round.
        let generation = tree.index.snapshot.generation
        return tree.contexts.context(of: id, token: token).flatMap { context in
            .answer { tree.openZarr(context, self, of: generation, token: token, completion: $0) }
        }
    }

    func target(_ tree: TreeState) throws(FileTreeError) -> String { throw .notLink }

    /// A chunk of labels is there when something is drawn in it. The names of chunks may be hundreds of thousands, so the
    /// kernel forgets the store; an open of a changed chunk drops its pages.
    func isMade(from objects: ChangedObjects, _ context: SpecimenContext) -> Bool {
        objects.hasTracing && series != .stack && context.hasLabels
    }

    /// What the number means. Of the files of labels in the store of a stack only those have one that are no files of
    /// `labels.ome.zarr`.
    func node(in store: ZarrStore) -> OMEZarrNode? {
        guard let node = store.node(number) else { return nil }
        return self.store != .nestedLabels || node.isDirectory || ZarrNumbering.namesImage(number) ? node : nil
    }

    private func entry(of node: OMEZarrNode, _ store: ZarrStore) -> ZarrEntry {
        let number = store.numbering.number(of: node)
        let isShared = !node.isDirectory && !ZarrNumbering.namesImage(number)
        return ZarrEntry(
            id: id, number: number, store: isShared && self.store == .nestedLabels ? .labels : self.store,
            resolved: node)
    }

    private func facts(
        of node: OMEZarrNode, _ store: ZarrStore, _ context: SpecimenContext, _ tree: TreeState
    ) -> Facts {
        let time = tree.time(of: context)
        return node.isDirectory
            ? .directory(subdirectories: store.subdirectories(of: node), modified: time)
            : .file(size: store.size(of: node), modified: time)
    }

    private func presence(_ context: SpecimenContext, level: Int, _ tree: TreeState, token: CancellationToken)
        -> Answer<TreeState.Presence>
    {
        .answer { tree.chunkPresence(context, series, level: level, token: token, completion: $0) }
    }
}

extension OMEZarrNode {
    /// The names that lead to this node from its store's root.
    fileprivate var components: [String] {
        switch self {
        case .root: []
        case .groupMetadata: [".zgroup"]
        case .groupAttributes: [".zattrs"]
        case .consolidatedMetadata: [".zmetadata"]
        case .level(let level): ["\(level)"]
        case .arrayMetadata(let level): ["\(level)", ".zarray"]
        case .chunkPlane(let level, let z): ["\(level)", "\(z)"]
        case .chunkRow(let level, let z, let y): ["\(level)", "\(z)", "\(y)"]
        case .chunk(let level, let index): ["\(level)", "\(index.z)", "\(index.y)", "\(index.x)"]
        }
    }
}
