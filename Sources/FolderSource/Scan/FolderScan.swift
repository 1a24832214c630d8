internal import Specimens

/// What a folder has at one time: its specimens, and what is left out.
struct FolderScan: Sendable {
    /// Something that is not shown, and why.
    struct Notice: Hashable, Sendable {
        /// Below the folder.
        let path: String
        /// A clause.
        let reason: String
    }

    /// The names of a directory.
    struct Listing: Sendable {
        let version: FileVersion
        /// Wall clock, seconds since 1970.
        let time: Double
        /// Ascending, all UTF-8.
        let names: [String]
    }

    /// Ascending by name, no two with one id.
    private(set) var pairs: [FolderPair] = []
    private(set) var notices: Set<Notice> = []
    /// The file system of the folder.
    let device: UInt
    /// The directories that were read, so that the next scan need not read those that have not changed.
    private(set) var listings: [String: Listing] = [:]

    /// The specimens by id.
    var byID: [Int: FolderPair] { Dictionary(pairs.map { ($0.id, $0) }) { first, _ in first } }

    /// Goes over `folder`.
    ///
    /// - Parameters:
    ///   - source: the identity of the source, of which ids are made.
    ///   - before: the last scan: what has not changed since is taken from it.
    ///   - isUsed: whether anyone has asked for the images of a specimen. Only then are the versions of its planes looked
    ///     at each time: there may be thousands.
    init(
        _ folder: FolderDirectory, source: String, after before: FolderScan?, isUsed: @escaping @Sendable (Int) -> Bool
    ) throws(FolderFault) {
        device = folder.device
        var visit = FolderVisit(folder: folder, source: source, before: before, isUsed: isUsed)
        var flat: [String: [String]] = [:]
        var directories: [String] = []
        for name in try visit.names(in: ".") {
            if PairNames.role(name) != nil {
                flat[PairNames.stem(name), default: []].append(name)
            } else if visit.isDirectory(name) {
                directories.append(name)
            }
        }
        var shown: Set<String> = []
        var ids: Set<Int> = []
        func show(_ pair: FolderPair?) {
            guard let pair else { return }
            // Names that differ in nothing but the form of their characters are one name here.
            guard shown.insert(pair.name).inserted, ids.insert(pair.id).inserted else {
                visit.note(pair.name, "another cell has this name, or the same number")
                return
            }
            pairs.append(pair)
        }
        for name in directories { show(visit.pair(inDirectory: name)) }
        for (stem, names) in flat.sorted(by: { $0.key < $1.key }) { show(visit.pair(stem, ofFiles: names)) }
        pairs.sort { $0.name < $1.name }
        notices = visit.notices
        listings = visit.listings
        if let before, before.device != device, pairs.isEmpty, !before.pairs.isEmpty {
            throw .unreachable("another file system is there, and it is empty")
        }
    }

    /// The same, without the images that turned out to be unusable in the version that they still have.
    func marked(unusable: [Int: VersionHash]) -> FolderScan {
        var scan = self
        for place in pairs.indices where unusable[pairs[place].id] == pairs[place].version {
            scan.pairs[place].hasUnusableImages = true
        }
        return scan
    }
}
