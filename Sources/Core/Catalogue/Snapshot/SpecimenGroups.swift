/// The cells that share a value, for a folder of links.
public struct SpecimenGroup: Hashable, Sendable {
    /// The value made fit for a file name, unique among its siblings.
    public let folder: String
    /// The value as the catalogue has it.
    public let title: String
    /// The cells, ascending.
    public let specimenIDs: [Int]
}

/// A cell under its name.
public struct NamedSpecimen: Hashable, Sendable {
    /// The name made fit for a file name, unique among all.
    public let link: String
    /// The cell.
    public let specimenID: Int
}

/// The catalogue seen by one field at a time. A cell without a value is in no group of that field.
public struct SpecimenGroups: Hashable, Sendable {
    /// By structure acronym. A cell is in the folder of its structure and in that of the parent structure, so `VISp`
    /// holds what `VISp1` to `VISp6b` hold.
    public let byStructure: [SpecimenGroup]
    /// By cortical layer; `2/3` is the folder `2-3`.
    public let byLayer: [SpecimenGroup]
    /// By transgenic line.
    public let byLine: [SpecimenGroup]
    /// By dendrite type.
    public let byDendriteType: [SpecimenGroup]
    /// Every cell by name.
    public let byName: [NamedSpecimen]

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
