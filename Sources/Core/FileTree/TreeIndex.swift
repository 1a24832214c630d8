internal import Specimens

/// What the tree looks like for one version of the catalogue: everything that can be told without asking the origin.
/// Built once a version, never changed, shared by all threads.
struct TreeIndex: Sendable {
    /// A directory of links.
    struct Group: Sendable {
        var name: String
        var hash: UInt32
        var specimens: [Int]
    }

    let snapshot: SpecimenList
    let texts: SourceTexts
    let bySpecies: [Species: [Int]]
    let trainable: [Species: [Int]]
    let specimenOfName: [String: Int]
    private let groups: [Grouping: [Group]]
    private let groupByName: [Grouping: [String: Int]]
    private let groupByHash: [Grouping: [UInt32: Int]]
    /// Bytes of the files at the top.
    let topFiles: [TopFile: [UInt8]]

    init(_ snapshot: SpecimenList, _ texts: SourceTexts) {
        self.snapshot = snapshot
        self.texts = texts
        // A specimen without an inode number cannot be shown.
        let specimens = snapshot.specimens.filter { UInt32(exactly: $0.id) != nil }
        bySpecies = Dictionary(grouping: specimens, by: \.species).mapValues { $0.map(\.id) }
        trainable = Dictionary(grouping: specimens.filter(\.isTrainable), by: \.species).mapValues { $0.map(\.id) }
        specimenOfName = Dictionary(snapshot.groups.byName.map { ($0.link, $0.specimenID) }) { first, _ in first }
        var groups: [Grouping: [Group]] = [:]
        for grouping in Grouping.allCases { groups[grouping] = Self.groups(snapshot.groups, grouping) }
        self.groups = groups
        groupByName = groups.mapValues { list in
            Dictionary(list.enumerated().map { ($1.name, $0) }) { first, _ in first }
        }
        groupByHash = groups.mapValues { list in
            Dictionary(list.enumerated().map { ($1.hash, $0) }) { first, _ in first }
        }
        topFiles = [
            .readme: Array(TopTexts.readme(snapshot, texts).utf8), .citation: Array(texts.citation.utf8),
            .cellsCSV: snapshot.cellsCSV, .cellsJSON: snapshot.cellsJSON,
        ]
    }

    func groups(_ grouping: Grouping) -> [Group] { groups[grouping] ?? [] }

    func group(_ grouping: Grouping, named name: String) -> Group? {
        groupByName[grouping]?[name].flatMap { groups[grouping]?[$0] }
    }

    func group(_ grouping: Grouping, hash: UInt32) -> Group? {
        groupByHash[grouping]?[hash].flatMap { groups[grouping]?[$0] }
    }

    /// The place of the link to `specimen` in `group`, which is one of `grouping`.
    func place(of specimen: Int, in group: Group, _ grouping: Grouping) -> LinkPlace {
        switch grouping {
        case .name: return .name
        case .layer: return .layer
        case .line: return .line
        case .dendriteType: return .dendriteType
        case .structure:
            let own = snapshot[specimen]?.structureAcronym
            return own.map { $0.replacing("/", with: "-") } == group.name ? .structure : .parentStructure
        }
    }

    private static func groups(_ all: SpecimenGroups, _ grouping: Grouping) -> [Group] {
        let list =
            switch grouping {
            case .name: [SpecimenGroup]()
            case .structure: all.byStructure
            case .layer: all.byLayer
            case .line: all.byLine
            case .dendriteType: all.byDendriteType
            }
        var taken: Set<UInt32> = []
        return list.map { group in
            var hash = Self.hash(group.folder)
            while !taken.insert(hash).inserted { hash &+= 1 }
            return Group(name: group.folder, hash: hash, specimens: group.specimenIDs)
        }
    }

    /// FNV-1a, 32 bits: spreads the few hundred group names over the inode numbers.
    private static func hash(_ name: String) -> UInt32 {
        name.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }
}

// Directories whose names the catalogue alone decides.
extension TreeIndex {
    /// The names at the top.
    static let topNodes: [(name: String, node: Node)] =
        TopFile.allCases.map { ($0.name, .topFile($0)) }
        + Species.allCases.map { ($0.rawValue, .species($0)) }
        + [("trainable", .trainable)]
        + Grouping.allCases.map { ($0.folder, .grouping($0)) }
        + [("splits", .splits), (".neuronfs", .control)]

    /// The children of a directory, in a fixed order; nil for what is no such directory.
    func children(of directory: Node) -> [(name: String, node: Node)]? {
        func links(_ ids: [Int]?, _ place: LinkPlace) -> [(name: String, node: Node)] {
            (ids ?? []).map { (String($0), .link(place, $0)) }
        }
        switch directory {
        case .root: return Self.topNodes
        case .control: return ControlFile.allCases.map { ($0.name, .controlFile($0)) }
        case .species(let species): return (bySpecies[species] ?? []).map { (String($0), .specimen($0)) }
        case .trainable: return Species.allCases.map { ($0.rawValue, .trainableSpecies($0)) }
        case .trainableSpecies(let species): return links(trainable[species], .trainable)
        case .grouping(.name): return specimenOfName.sorted { $0.key < $1.key }.map { ($0, .link(.name, $1)) }
        case .grouping(let grouping): return groups(grouping).map { ($0.name, .group(grouping, $0.hash)) }
        case .group(let grouping, let hash):
            return group(grouping, hash: hash).map { group in
                group.specimens.map { (String($0), .link(place(of: $0, in: group, grouping), $0)) }
            }
        case .splits: return SplitPart.allCases.map { ($0.rawValue, .split($0)) }
        case .split(let split): return links(snapshot.splits[split], .split)
        default: return nil
        }
    }

    /// Every directory for which ``children(of:)`` can differ between two versions of the catalogue.
    var listings: [Node] {
        Species.allCases.flatMap { [.species($0), .trainableSpecies($0)] }
            + Grouping.allCases.flatMap { grouping in
                [.grouping(grouping)] + groups(grouping).map { .group(grouping, $0.hash) }
            }
            + SplitPart.allCases.map { .split($0) }
    }
}
