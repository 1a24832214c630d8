internal import Specimens

/// The mount point.
struct RootFolder: CatalogueFolder {
    var node: Node { .root }

    /// The names at the top that every mount has.
    private static let fixed: [(name: String, entry: any CatalogueEntry)] =
        TopFile.allCases.map { ($0.name, TopFileEntry(file: $0)) }
        + Species.allCases.map { ($0.rawValue, CollectionFolder(name: $0.rawValue)) }
        + [("trainable", TrainableFolder())]
        + Grouping.allCases.map { ($0.folder, GroupingFolder(grouping: $0)) }
        + [("splits", SplitsFolder()), (".neuronfs", ControlFolder())]

    fileprivate static let fixedNames = Set(fixed.map(\.name))

    func path(_ index: TreeIndex) -> String? { "." }

    func children(_ index: TreeIndex) -> [(name: String, entry: any CatalogueEntry)] {
        Self.fixed + index.collections.map { ($0, CollectionFolder(name: $0)) }
    }
}

/// The names at the top of a mount.
package enum TopNames {
    /// Those that every mount has. No source may give one to a folder of its own.
    package static let reserved = RootFolder.fixedNames
}

/// `.neuronfs/`
struct ControlFolder: CatalogueFolder {
    var node: Node { .control }

    func path(_ index: TreeIndex) -> String? { ".neuronfs" }

    func children(_ index: TreeIndex) -> [(name: String, entry: any CatalogueEntry)] {
        ControlFile.allCases.map { ($0.name, ControlFileEntry(file: $0)) }
    }
}
