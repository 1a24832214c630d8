/// The cells that share a value, for a folder of links.
package struct SpecimenGroup: Hashable, Sendable {
    /// The value made fit for a file name, unique among its siblings.
    package let folder: String
    /// The value as the catalogue has it.
    package let title: String
    /// The cells, ascending.
    package let specimenIDs: [Int]
}

/// A cell under its name.
package struct NamedSpecimen: Hashable, Sendable {
    /// The name made fit for a file name, unique among all.
    package let link: String
    /// The cell.
    package let specimenID: Int
}

/// The catalogue seen by one field at a time. A cell without a value is in no group of that field.
package struct SpecimenGroups: Hashable, Sendable {
    /// By structure acronym. A cell is in the folder of its structure and in that of the parent structure, so `VISp`
    /// holds what `VISp1` to `VISp6b` hold.
    package let byStructure: [SpecimenGroup]
    /// By cortical layer; `2/3` is the folder `2-3`.
    package let byLayer: [SpecimenGroup]
    /// By transgenic line.
    package let byLine: [SpecimenGroup]
    /// By dendrite type.
    package let byDendriteType: [SpecimenGroup]
    /// Every cell by name.
    package let byName: [NamedSpecimen]

    init(_ specimens: [Specimen]) {
        byStructure = Self.groups(specimens) { [$0.structureAcronym, $0.structureParentAcronym] }
        byLayer = Self.groups(specimens) { [$0.layer] }
        byLine = Self.groups(specimens) { [$0.lineName] }
        byDendriteType = Self.groups(specimens) { [$0.dendriteType] }
        let links = FolderName.unique(specimens.map(\.name))
        byName = zip(links, specimens).map { NamedSpecimen(link: $0, specimenID: $1.id) }
            .sorted { $0.link < $1.link }
    }

    /// `specimens` are sorted by id.
    private static func groups(_ specimens: [Specimen], by titles: (Specimen) -> [String?]) -> [SpecimenGroup] {
        var members: [String: [Int]] = [:]
        for specimen in specimens {
            for title in titles(specimen) {
                guard let title, members[title]?.last != specimen.id else { continue }
                members[title, default: []].append(specimen.id)
            }
        }
        let sorted = members.sorted { $0.key < $1.key }
        return zip(FolderName.unique(sorted.map(\.key)), sorted)
            .map { SpecimenGroup(folder: $0, title: $1.key, specimenIDs: $1.value) }
            .sorted { $0.folder < $1.folder }
    }
}
