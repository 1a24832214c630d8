internal import Catalogue

/// What the tree looks like for one version of the catalogue: everything that can be told without asking the origin.
/// Built once a version, never changed, shared by all threads.
struct TreeIndex: Sendable {
    /// A directory of links.
    struct Group: Sendable {
        var name: String
        var hash: UInt32
        var specimens: [Int]
    }

    let snapshot: CatalogueSnapshot
    let bySpecies: [Species: [Int]]
    let trainable: [Species: [Int]]
    let splits: [Split: [Int]]
    let splitOf: [Int: Split]
    let specimenOfName: [String: Int]
    private let groups: [Grouping: [Group]]
    private let groupByName: [Grouping: [String: Int]]
    private let groupByHash: [Grouping: [UInt32: Int]]
    /// Bytes of the files at the top.
    let topFiles: [TopFile: [UInt8]]

    init(_ snapshot: CatalogueSnapshot) {
        self.snapshot = snapshot
        // A specimen without an inode number cannot be shown.
        let specimens = snapshot.specimens.filter { UInt32(exactly: $0.id) != nil }
        bySpecies = Dictionary(grouping: specimens, by: \.species).mapValues { $0.map(\.id) }
        let trainable = specimens.filter(\.isTrainable)
        self.trainable = Dictionary(grouping: trainable, by: \.species).mapValues { $0.map(\.id) }
        var splits: [Split: [Int]] = [:]
        var splitOf: [Int: Split] = [:]
        for specimen in trainable {
            let split = snapshot.split(of: specimen)
            splits[split, default: []].append(specimen.id)
            splitOf[specimen.id] = split
        }
        self.splits = splits
        self.splitOf = splitOf
        var names: [String: Int] = [:]
        for specimen in specimens where Self.isFileName(specimen.name) { names[specimen.name] = specimen.id }
        specimenOfName = names
        var groups: [Grouping: [Group]] = [:]
        for grouping in Grouping.allCases where grouping != .name {
            groups[grouping] = Self.groups(specimens, grouping)
        }
        self.groups = groups
        groupByName = groups.mapValues { list in
            Dictionary(list.enumerated().map { ($1.name, $0) }) { first, _ in first }
        }
        groupByHash = groups.mapValues { list in
            Dictionary(list.enumerated().map { ($1.hash, $0) }) { first, _ in first }
        }
        topFiles = [
            .readme: Array(TopTexts.readme(snapshot).utf8), .citation: Array(TopTexts.citation.utf8),
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

    /// The value by which `grouping` sorts a specimen, as a folder name; nil where the specimen has none.
    static func groupName(_ specimen: Specimen, _ grouping: Grouping) -> String? {
        let value: String? =
            switch grouping {
            case .name: specimen.name
            case .structure: specimen.structureAcronym
            case .layer: specimen.layer
            case .line: specimen.lineName
            case .dendriteType: specimen.dendriteType
            }
        // Layer "2/3" is the one value with a slash in the database.
        return value.map { $0.replacing("/", with: "-") }.flatMap { isFileName($0) ? $0 : nil }
    }

    /// Whether `name` can be a file name: not empty, not a dot entry, no slash or NUL, 255 bytes at most.
    private static func isFileName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255
            && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
    }

    private static func groups(_ specimens: [Specimen], _ grouping: Grouping) -> [Group] {
        var members: [String: [Int]] = [:]
        for specimen in specimens {
            if let name = groupName(specimen, grouping) { members[name, default: []].append(specimen.id) }
        }
        var taken: Set<UInt32> = []
        return members.sorted { $0.key < $1.key }.map { name, ids in
            var hash = Self.hash(name)
            while !taken.insert(hash).inserted { hash &+= 1 }
            return Group(name: name, hash: hash, specimens: ids)
        }
    }

    /// FNV-1a, 32 bits: spreads the few hundred group names over the inode numbers.
    private static func hash(_ name: String) -> UInt32 {
        name.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }
}
