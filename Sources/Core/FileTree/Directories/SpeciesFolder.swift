internal import Specimens

/// `mouse/` or `human/`
struct SpeciesFolder: CatalogueFolder {
    let species: Species

    var node: Node { .species(species) }

    func path(_ index: TreeIndex) -> String? { species.rawValue }
    func subdirectories(_ index: TreeIndex) -> Int? { ids(index).count }

    func children(_ index: TreeIndex) -> [(name: String, entry: any CatalogueEntry)] {
        ids(index).map { (String($0), SpecimenFolder(id: $0)) }
    }

    func child(_ name: String, _ index: TreeIndex) -> (any Entry)? {
        TreeIndex.specimen(name, among: ids(index)).map(SpecimenFolder.init)
    }

    private func ids(_ index: TreeIndex) -> [Int] { index.byCollection[species.rawValue] ?? [] }
}
