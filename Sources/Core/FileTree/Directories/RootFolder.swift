internal import Specimens

/// The mount point.
struct RootFolder: CatalogueFolder {
    var node: Node { .root }

    /// The names at the top.
    static let children: [(name: String, entry: any CatalogueEntry)] =
        TopFile.allCases.map { ($0.name, TopFileEntry(file: $0)) }
        + Species.allCases.map { ($0.rawValue, SpeciesFolder(species: $0)) }
        + [("trainable", TrainableFolder())]
        + Grouping.allCases.map { ($0.folder, GroupingFolder(grouping: $0)) }
        + [("splits", SplitsFolder()), (".neuronfs", ControlFolder())]

    func path(_ index: TreeIndex) -> String? { "." }
    func children(_ index: TreeIndex) -> [(name: String, entry: any CatalogueEntry)] { Self.children }
}

/// `.neuronfs/`
struct ControlFolder: CatalogueFolder {
    var node: Node { .control }

    func path(_ index: TreeIndex) -> String? { ".neuronfs" }

    func children(_ index: TreeIndex) -> [(name: String, entry: any CatalogueEntry)] {
        ControlFile.allCases.map { ($0.name, ControlFileEntry(file: $0)) }
    }
}
