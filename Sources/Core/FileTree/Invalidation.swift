internal import Layouts
internal import Specimens
internal import Support

/// What the kernel has to forget, because it is of an older version.
package struct Invalidation: Sendable, Equatable {
    /// Inodes whose bytes, attributes or list of names have changed.
    package var inodes: [InodeNumber]
    /// Names that have come, gone or now mean another inode. What has come is among them: the kernel also keeps that a
    /// name is absent.
    package var names: [Name]

    /// A name in a directory.
    package struct Name: Sendable, Hashable {
        /// The directory.
        package var directory: InodeNumber
        /// The name in it.
        package var name: String
    }
}

/// The same before numbers are known.
struct StaleEntries {
    var entries: [any Entry] = []
    var names: [(directory: any Entry, name: String)] = []

    /// What the kernel may know of a list of cells and has to forget when `newer` takes its place.
    init(of older: TreeIndex, replacedBy newer: TreeIndex) {
        let directories = RootFolder().directories(older) + RootFolder().directories(newer)
        for directory in Dictionary(directories.map { ($0.node, $0) }, uniquingKeysWith: { first, _ in first }).values {
            let before = Self.nodes(directory, older)
            let after = Self.nodes(directory, newer)
            let changed = Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }
            guard !changed.isEmpty else { continue }
            entries.append(directory)
            names += changed.map { (directory, $0) }
        }
        for file in TopFile.allCases where older.topFiles[file] != newer.topFiles[file] {
            entries.append(TopFileEntry(file: file))
        }
        for id in newer.changedSpecimens(since: older) {
            let folders = newer.folders(of: id)
            let consolidated = ZarrEntry(id: id, number: ZarrNumbering.consolidatedMetadata, store: .stack)
            entries += folders + [MetaEntry(id: id), consolidated]
            names += SpecimenFolder(id: id).entries.flatMap { entry in folders.map { ($0, entry.place) } }
        }
    }

    /// What is made from objects of a specimen that have changed. A file has one number for all its names. A directory has
    /// one for each, so that each name is listed.
    init(madeFrom objects: ChangedObjects, _ context: SpecimenContext, _ index: TreeIndex) {
        for entry in SpecimenFolder(id: context.id).entries {
            let below = (entry as? any SpecimenSubfolder)?.children(context).map(\.entry) ?? []
            entries += below.filter { $0.isMade(from: objects, context) }
            guard entry.isMade(from: objects, context) else { continue }
            if entry.kind == .directory {
                names += index.folders(of: context.id).map { ($0, entry.place) }
            } else {
                entries.append(entry)
            }
        }
        let labels = LabelsGroupFolder(id: context.id)
        if labels.isMade(from: objects, context) {
            let stack = ZarrEntry(id: context.id, number: 0, store: .stack)
            let stores = [stack as any Entry] + index.views(of: context.id).map(stack.folder)
            names += stores.map { ($0, OMEZarrLabels.folder) }
        }
    }

    private static func nodes(_ directory: any CatalogueFolder, _ index: TreeIndex) -> [String: Node] {
        Dictionary(directory.children(index).map { ($0.name, $0.entry.node) }) { first, _ in first }
    }
}

extension TreeIndex {
    /// The specimens of both versions whose rows differ, and those that are in this one alone.
    func changedSpecimens(since older: TreeIndex) -> [Int] {
        snapshot.specimens.filter { specimen in
            guard let before = older.snapshot[specimen.id] else { return true }
            return !specimen.hasSameRow(as: before)
        }
        .map(\.id)
    }
}
