internal import Specimens
internal import Support

/// A symbolic link to a specimen.
struct SpecimenLink: CatalogueEntry, Leaf {
    let place: LinkPlace
    let id: Int

    var node: Node { .link(place, id) }
    var kind: FileKind { .link }

    /// Nothing that is slow or fails is done with a link, so the log names the specimen.
    func path(_ index: TreeIndex) -> String? { SpecimenFolder(id: id).path(index).map { "link to \($0)" } }

    func facts(_ index: TreeIndex) -> Facts? {
        target(index).map { Facts(kind: .link, size: $0.utf8.count, modified: index.snapshot.fetchedAt) }
    }

    func open(_ tree: TreeState, token: CancellationToken) -> Answer<any OpenFile> {
        Promise(.failure(.notFound))
    }

    func target(_ tree: TreeState) throws(FileTreeError) -> String {
        guard let target = target(tree.index) else { throw .notFound }
        return target
    }

    private func target(_ index: TreeIndex) -> String? {
        SpecimenFolder(id: id).path(index).map { String(repeating: "../", count: place.depth) + $0 }
    }
}
