internal import Specimens

/// What the tree looks like for one version of the catalogue: everything that can be told without asking the source.
/// Built once a version, never changed, shared by all threads.
final class TreeIndex: Sendable {
    /// A directory of links.
    struct Group: Sendable {
        /// The name of the directory.
        var name: String
        /// The value as the source has it.
        var title: String
        var hash: UInt32
        var specimens: [Int]
    }

    let snapshot: SpecimenList
    let texts: SourceTexts
    /// The specimens of each top folder.
    let byCollection: [String: [Int]]
    /// The top folders apart from those of the species, by name.
    let collections: [String]
    let specimenOfPlace: [Place: Int]
    /// Those with both images and a skeleton.
    let trainable: [String: [Int]]
    let specimenOfName: [String: Int]
    private let views: [Int: [View]]
    /// What specimens are called in directories that have specimens of all top folders.
    let mixedNames: [Int: String]
    let specimenOfMixedName: [String: Int]
    private let groups: [Grouping: [Group]]
    private let groupByName: [Grouping: [String: Int]]
    private let groupByHash: [Grouping: [UInt32: Int]]
    /// Bytes of the files at the top.
    let topFiles: [TopFile: [UInt8]]

    /// The tree of `snapshot`, one of the lists of `source`.
    init(_ snapshot: SpecimenList, _ source: any SpecimenSource) {
        self.snapshot = snapshot
        let texts = source.texts(of: snapshot)
        self.texts = texts
        let specimens = snapshot.specimens
        // A source's own order is by number, which says nothing where names are not numbers.
        let byCollection = Dictionary(grouping: specimens, by: \.place.collection).mapValues { specimens in
            Species(rawValue: specimens[0].place.collection) == nil
                ? specimens.sorted { $0.place.folder < $1.place.folder }.map(\.id) : specimens.map(\.id)
        }
        self.byCollection = byCollection
        collections = byCollection.keys.filter { !TopNames.reserved.contains($0) }.sorted()
        specimenOfPlace = Dictionary(specimens.map { ($0.place, $0.id) }) { first, _ in first }
        trainable = byCollection.mapValues { ids in ids.filter { snapshot[$0]?.isTrainable == true } }
        var views: [Int: [View]] = [:]
        for id in snapshot.trainable { views[id, default: []].append(.trainable(id)) }
        for part in SplitPart.allCases {
            for id in snapshot.splits[part] { views[id, default: []].append(.split(part, id)) }
        }
        self.views = views
        mixedNames = Self.mixedNames(specimens)
        specimenOfMixedName = Dictionary(mixedNames.map { ($1, $0) }) { first, _ in first }
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
        topFiles = Dictionary(uniqueKeysWithValues: TopFile.allCases.map { ($0, $0.bytes(snapshot, texts)) })
    }

    /// The views of the specimen `id`.
    func views(of id: Int) -> [View] { views[id] ?? [] }

    /// The folders of the specimen `id`: its own and its views.
    func folders(of id: Int) -> [any Entry] {
        let own = SpecimenFolder(id: id)
        return [own] + views(of: id).map(own.folder)
    }

    func groups(_ grouping: Grouping) -> [Group] { groups[grouping] ?? [] }

    func group(_ grouping: Grouping, named name: String) -> Group? {
        groupByName[grouping]?[name].flatMap { groups[grouping]?[$0] }
    }

    func group(_ grouping: Grouping, hash: UInt32) -> Group? {
        groupByHash[grouping]?[hash].flatMap { groups[grouping]?[$0] }
    }

    /// A specimen of a top folder that is called by its source has both names there.
    private static func mixedNames(_ specimens: [Specimen]) -> [Int: String] {
        let titles = specimens.map { specimen in
            Species(rawValue: specimen.place.collection) == nil
                ? "\(specimen.place.collection)-\(specimen.place.folder)" : specimen.place.folder
        }
        return Dictionary(uniqueKeysWithValues: zip(specimens.map(\.id), FolderName.unique(titles)))
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
            return Group(name: group.folder, title: group.title, hash: hash, specimens: group.specimenIDs)
        }
    }

    /// FNV-1a, 32 bits: spreads the few hundred group names over the inode numbers.
    private static func hash(_ name: String) -> UInt32 {
        name.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }
}
