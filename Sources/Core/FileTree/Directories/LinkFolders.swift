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

/// A directory of links that are called by the ids of their specimens.
protocol LinkFolder: CatalogueFolder {
    /// The specimens, ascending; nil where the list of cells does not have this directory.
    func specimens(_ index: TreeIndex) -> [Int]?
    /// The place of the link to the specimen `id`.
    func place(of id: Int, _ index: TreeIndex) -> LinkPlace
}

extension LinkFolder {
    func subdirectories(_ index: TreeIndex) -> Int? { specimens(index).map { _ in 0 } }

    func children(_ index: TreeIndex) -> [(name: String, entry: any CatalogueEntry)] {
        (specimens(index) ?? []).map { (String($0), SpecimenLink(place: place(of: $0, index), id: $0)) }
    }

    func child(_ name: String, _ index: TreeIndex) -> (any Entry)? {
        TreeIndex.specimen(name, among: specimens(index) ?? []).map {
            SpecimenLink(place: place(of: $0, index), id: $0)
        }
    }
}

/// `trainable/`
struct TrainableFolder: CatalogueFolder {
    var node: Node { .trainable }

    func path(_ index: TreeIndex) -> String? { "trainable" }

    func children(_ index: TreeIndex) -> [(name: String, entry: any CatalogueEntry)] {
        Species.allCases.map { ($0.rawValue, TrainableSpeciesFolder(species: $0)) }
    }
}

/// `trainable/mouse/` or `trainable/human/`
struct TrainableSpeciesFolder: LinkFolder {
    let species: Species

    var node: Node { .trainableSpecies(species) }

    func path(_ index: TreeIndex) -> String? { "trainable/\(species.rawValue)" }
    func specimens(_ index: TreeIndex) -> [Int]? { index.trainable[species.rawValue] ?? [] }
    func place(of id: Int, _ index: TreeIndex) -> LinkPlace { .trainable }
}

/// `splits/`
struct SplitsFolder: CatalogueFolder {
    var node: Node { .splits }

    func path(_ index: TreeIndex) -> String? { "splits" }

    func children(_ index: TreeIndex) -> [(name: String, entry: any CatalogueEntry)] {
        SplitPart.allCases.map { ($0.rawValue, SplitFolder(part: $0)) }
    }
}

/// `splits/train/` and its like.
struct SplitFolder: LinkFolder {
    let part: SplitPart

    var node: Node { .split(part) }

    func path(_ index: TreeIndex) -> String? { "splits/\(part.rawValue)" }
    func specimens(_ index: TreeIndex) -> [Int]? { index.snapshot.splits[part] }
    func place(of id: Int, _ index: TreeIndex) -> LinkPlace { .split }
}
