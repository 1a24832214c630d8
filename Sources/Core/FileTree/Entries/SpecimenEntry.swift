internal import Specimens
internal import Support
internal import Volumes

/// An entry below the folder of a specimen. What there is of it follows from the specimen's row and from its objects.
protocol SpecimenEntry: Entry {
    /// The specimen.
    var id: Int { get }
    /// The path below the folder of the specimen.
    var place: String { get }
    /// False where the row of the specimen rules the entry out.
    func mayExist(_ row: Specimen) -> Bool
    /// What follows from the objects of the specimen without asking the source again.
    func known(_ context: SpecimenContext, _ tree: TreeState) -> Knowledge
    /// Asks for what ``known(_:_:)`` leaves open; only files of which it leaves something open have this.
    func ask(_ context: SpecimenContext, _ tree: TreeState, token: CancellationToken) -> Answer<Facts>
    /// Whether the bytes of this file, or the names below this store, are made from one of `objects`.
    func isMade(from objects: ChangedObjects, _ context: SpecimenContext) -> Bool
}

/// Which objects of a specimen have changed.
struct ChangedObjects {
    /// The planes and projections with these image ids.
    var images: Set<Int> = []
    var hasRecording = false
    /// The skeleton, or the marker file that belongs to it.
    var hasTracing = false

    /// Those among `ids`, which are of `specimen`.
    init(_ ids: some Sequence<ObjectID>, of specimen: Specimen) {
        for id in ids {
            switch id.kind {
            case .image: images.insert(id.number)
            case .file where id == specimen.recording: hasRecording = true
            case .file: hasTracing = true
            }
        }
    }
}

extension SpecimenEntry {
    func path(_ tree: TreeState) -> String? { SpecimenFolder(id: id).path(tree.index).map { "\($0)/\(place)" } }

    func nameCount(_ index: TreeIndex) -> Int { 1 + index.views(of: id).count }

    func known(_ tree: TreeState) -> Knowledge {
        guard let row = tree.index.snapshot[id], mayExist(row) else { return .absent }
        return tree.contexts.cached(id).map { known($0, tree) } ?? .unknown
    }

    func facts(_ tree: TreeState, token: CancellationToken) -> Answer<Facts> {
        guard let row = tree.index.snapshot[id], mayExist(row) else { return Promise(.failure(.notFound)) }
        return tree.contexts.context(of: id, token: token).flatMap { context in
            switch known(context, tree) {
            case .absent: Promise(.failure(.notFound))
            case .unknown, .unverified: ask(context, tree, token: token)
            case .known(let facts): Promise(.success(facts))
            }
        }
    }

    func ask(_ context: SpecimenContext, _ tree: TreeState, token: CancellationToken) -> Answer<Facts> {
        Promise(.failure(.notFound))
    }

    /// What `find` finds once the objects of the specimen are known. The kernel may have been told of an entry before it was
    /// known whether it is there: nil is ENOENT.
    func withContext<Value: Sendable>(
        _ tree: TreeState, token: CancellationToken, _ find: @escaping @Sendable (SpecimenContext) -> Value?
    ) -> Answer<Value> {
        tree.contexts.context(of: id, token: token).flatMap { context in
            Promise(find(context).map { .success($0) } ?? .failure(.notFound))
        }
    }
}

/// A file below the folder of a specimen.
protocol SpecimenLeaf: SpecimenEntry, File {
    /// As ``Entry/open(_:token:)``.
    func open(_ context: SpecimenContext, _ tree: TreeState, token: CancellationToken) -> Answer<any OpenFile>
}

extension SpecimenLeaf {
    var sizeFolder: Node? { node }

    func open(_ tree: TreeState, token: CancellationToken) -> Answer<any OpenFile> {
        tree.contexts.context(of: id, token: token).flatMap { open($0, tree, token: token) }
    }
}

/// A directory below the folder of a specimen, whose names follow from the objects of the specimen.
protocol SpecimenSubfolder: SpecimenEntry, Folder {
    /// The entry that `name` means in this directory, whatever the source has; nil for names that it never has.
    func child(_ name: String) -> (any Entry)?
    /// The entries of this directory, with their names.
    func children(_ context: SpecimenContext) -> [(name: String, entry: any SpecimenEntry)]
}

extension SpecimenSubfolder {
    func isMade(from objects: ChangedObjects, _ context: SpecimenContext) -> Bool { false }

    func child(_ name: String, _ tree: TreeState, token: CancellationToken) -> Answer<any Entry> {
        Promise(child(name).map { .success($0) } ?? .failure(.notFound))
    }

    func children(_ tree: TreeState, token: CancellationToken) -> Answer<[Child]> {
        tree.contexts.context(of: id, token: token).flatMap { context in
            // A lookup may have told of this directory before it was known whether it is there.
            guard case .known = known(context, tree) else { return Promise(.failure(.notFound)) }
            return Promise(.success(tree.present(children(context), context)))
        }
    }
}

extension TreeState {
    /// Those of `entries` that are there.
    func present(_ entries: [(name: String, entry: any SpecimenEntry)], _ context: SpecimenContext) -> [Child] {
        entries.compactMap { name, entry in
            switch entry.known(context, self) {
            case .absent: nil
            case .unknown, .unverified: Child(name: name, entry: entry, facts: nil)
            case .known(let facts): Child(name: name, entry: entry, facts: facts)
            }
        }
    }
}
