internal import Specimens

/// A top folder of specimens: `mouse/`, `human/`, or one that is called by its source.
struct CollectionFolder: CatalogueFolder {
    let name: String

    var node: Node { Species(rawValue: name).map { .species($0) } ?? .collection(name) }

    func path(_ index: TreeIndex) -> String? { name }

    /// The folders of the species are there in any case.
    func subdirectories(_ index: TreeIndex) -> Int? {
        index.byCollection[name]?.count ?? (Species(rawValue: name) == nil ? nil : 0)
    }

    func children(_ index: TreeIndex) -> [(name: String, entry: any CatalogueEntry)] {
        (index.byCollection[name] ?? []).compactMap { id in
            index.snapshot[id].map { ($0.place.folder, SpecimenFolder(id: id)) }
        }
    }

    func child(_ name: String, _ index: TreeIndex) -> (any Entry)? {
        index.specimenOfPlace[Place(collection: self.name, folder: name)].map(SpecimenFolder.init)
    }
}
