internal import Specimens

/// A directory of views: folders of specimens that have their own place elsewhere.
protocol FolderOfViews: CatalogueFolder {
    /// The specimens, ascending.
    func specimens(_ index: TreeIndex) -> [Int]
    /// The view of the specimen `id` that stands here.
    func view(of id: Int) -> View
    /// What the folder of the specimen `id` is called here; nil where the list of cells does not have it.
    func name(of id: Int, _ index: TreeIndex) -> String?
    /// The specimen whose folder is called `name` here.
    func specimen(_ name: String, _ index: TreeIndex) -> Int?
}

extension FolderOfViews {
    func subdirectories(_ index: TreeIndex) -> Int? { specimens(index).count }

    func children(_ index: TreeIndex) -> [(name: String, entry: any CatalogueEntry)] {
        specimens(index).compactMap { id in name(of: id, index).map { ($0, folder(of: id)) } }
    }

    func child(_ name: String, _ index: TreeIndex) -> (any Entry)? {
        specimen(name, index).flatMap { id in
            index.views(of: id).contains(view(of: id)) ? folder(of: id) : nil
        }
    }

    private func folder(of id: Int) -> ViewFolder<SpecimenFolder> {
        ViewFolder(view: view(of: id), own: SpecimenFolder(id: id))
    }
}

/// `trainable/`
struct TrainableFolder: CatalogueFolder {
    var node: Node { .trainable }

    func path(_ index: TreeIndex) -> String? { "trainable" }

    func children(_ index: TreeIndex) -> [(name: String, entry: any CatalogueEntry)] {
        (Species.allCases.map(\.rawValue) + index.collections).map { ($0, TrainableCollection(name: $0)) }
    }
}

/// `trainable/mouse/` and its like: the trainable specimens of a top folder.
struct TrainableCollection: FolderOfViews {
    let name: String

    var node: Node { Species(rawValue: name).map { .trainableSpecies($0) } ?? .trainableCollection(name) }

    func path(_ index: TreeIndex) -> String? { "trainable/\(name)" }
    func specimens(_ index: TreeIndex) -> [Int] { index.trainable[name] ?? [] }
    func view(of id: Int) -> View { .trainable(id) }
    func name(of id: Int, _ index: TreeIndex) -> String? { index.snapshot[id]?.place.folder }

    func specimen(_ name: String, _ index: TreeIndex) -> Int? {
        index.specimenOfPlace[Place(collection: self.name, folder: name)]
    }
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
struct SplitFolder: FolderOfViews {
    let part: SplitPart

    var node: Node { .split(part) }

    func path(_ index: TreeIndex) -> String? { "splits/\(part.rawValue)" }
    func specimens(_ index: TreeIndex) -> [Int] { index.snapshot.splits[part] }
    func view(of id: Int) -> View { .split(part, id) }
    func name(of id: Int, _ index: TreeIndex) -> String? { index.mixedNames[id] }
    func specimen(_ name: String, _ index: TreeIndex) -> Int? { index.specimenOfMixedName[name] }
}
