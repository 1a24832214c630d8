internal import Specimens
internal import Support

/// An entry of which the list of cells tells all that `stat(2)` wants.
protocol CatalogueEntry: Entry {
    /// Nil where the list does not have the entry.
    func facts(_ index: TreeIndex) -> Facts?
    /// As ``Entry/path(_:)``.
    func path(_ index: TreeIndex) -> String?
}

extension CatalogueEntry {
    var sizeFolder: Node? { nil }

    func path(_ tree: TreeState) -> String? { path(tree.index) }

    func known(_ tree: TreeState) -> Knowledge { Knowledge(facts(tree.index)) }

    func facts(_ tree: TreeState, token: CancellationToken) -> Answer<Facts> {
        Promise(facts(tree.index).map { .success($0) } ?? .failure(.notFound))
    }
}

/// A directory whose names follow from the list of cells.
protocol CatalogueFolder: Folder, CatalogueEntry {
    /// How many of the children are directories; nil where the list does not have this one.
    func subdirectories(_ index: TreeIndex) -> Int?
    /// The children in a fixed order; none where the list does not have this directory.
    func children(_ index: TreeIndex) -> [(name: String, entry: any CatalogueEntry)]
    /// The child called `name`.
    func child(_ name: String, _ index: TreeIndex) -> (any Entry)?
}

extension CatalogueFolder {
    var sizeFolder: Node? { nil }

    func facts(_ index: TreeIndex) -> Facts? {
        subdirectories(index).map { .directory(subdirectories: $0, modified: index.snapshot.fetchedAt) }
    }

    func child(_ name: String, _ tree: TreeState, token: CancellationToken) -> Answer<any Entry> {
        Promise(child(name, tree.index).map { .success($0) } ?? .failure(.notFound))
    }

    func children(_ tree: TreeState, token: CancellationToken) -> Answer<[Child]> {
        let index = tree.index
        guard subdirectories(index) != nil else { return Promise(.failure(.notFound)) }
        return Promise(
            .success(
                children(index).map { name, entry in Child(name: name, entry: entry, facts: entry.facts(index)) }))
    }
}

// What suits a directory of few names.
extension CatalogueFolder {
    func subdirectories(_ index: TreeIndex) -> Int? { children(index).count { $0.entry.kind == .directory } }

    func child(_ name: String, _ index: TreeIndex) -> (any Entry)? {
        children(index).first { $0.name == name }?.entry
    }
}

extension CatalogueFolder {
    /// This directory and all below it whose names follow from the list of cells.
    func directories(_ index: TreeIndex) -> [any CatalogueFolder] {
        [self]
            + children(index).flatMap { _, entry in
                (entry as? any CatalogueFolder).map { $0.directories(index) } ?? []
            }
    }
}
