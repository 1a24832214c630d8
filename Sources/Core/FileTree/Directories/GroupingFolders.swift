internal import Specimens

/// `by-structure/` and its like: one directory for each value. `by-name/` holds the links itself.
struct GroupingFolder: CatalogueFolder {
    let grouping: Grouping

    var node: Node { .grouping(grouping) }

    func path(_ index: TreeIndex) -> String? { grouping.folder }
    func subdirectories(_ index: TreeIndex) -> Int? { index.groups(grouping).count }

    func children(_ index: TreeIndex) -> [(name: String, entry: any CatalogueEntry)] {
        guard grouping == .name else {
            return index.groups(grouping).map { ($0.name, GroupFolder(grouping: grouping, hash: $0.hash)) }
        }
        return index.specimenOfName.sorted { $0.key < $1.key }.map { ($0, SpecimenLink(place: .name, id: $1)) }
    }

    func child(_ name: String, _ index: TreeIndex) -> (any Entry)? {
        guard grouping == .name else {
            return index.group(grouping, named: name).map { GroupFolder(grouping: grouping, hash: $0.hash) }
        }
        return index.specimenOfName[name].map { SpecimenLink(place: .name, id: $0) }
    }
}

/// One value's directory in it, by the hash of its name: links to its specimens.
struct GroupFolder: CatalogueFolder {
    let grouping: Grouping
    let hash: UInt32

    var node: Node { .group(grouping, hash) }

    func path(_ index: TreeIndex) -> String? { group(index).map { "\(grouping.folder)/\($0.name)" } }
    func subdirectories(_ index: TreeIndex) -> Int? { group(index).map { _ in 0 } }

    func children(_ index: TreeIndex) -> [(name: String, entry: any CatalogueEntry)] {
        (group(index)?.specimens ?? []).compactMap { id in
            index.mixedNames[id].map { ($0, SpecimenLink(place: place(of: id, index), id: id)) }
        }
    }

    func child(_ name: String, _ index: TreeIndex) -> (any Entry)? {
        guard let id = index.specimenOfMixedName[name], group(index)?.specimens.contains(id) == true else { return nil }
        return SpecimenLink(place: place(of: id, index), id: id)
    }

    private func place(of id: Int, _ index: TreeIndex) -> LinkPlace {
        switch grouping {
        case .name: return .name
        case .layer: return .layer
        case .line: return .line
        case .dendriteType: return .dendriteType
        case .structure:
            return index.snapshot[id]?.structureAcronym == group(index)?.title ? .structure : .parentStructure
        }
    }

    private func group(_ index: TreeIndex) -> TreeIndex.Group? { index.group(grouping, hash: hash) }
}
