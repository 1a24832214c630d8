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

    init(inodes: [InodeNumber], names: [Name] = []) {
        self.inodes = inodes
        self.names = names
    }
}

extension TreeIndex {
    /// What the kernel may know of this version of the catalogue and has to forget when `newer` takes its place.
    func invalidation(by newer: TreeIndex) -> Invalidation {
        var change = Invalidation(inodes: [])
        for directory in Set(listings).union(newer.listings) {
            let before = Dictionary(children(of: directory) ?? []) { first, _ in first }
            let after = Dictionary(newer.children(of: directory) ?? []) { first, _ in first }
            let names = Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }
            guard !names.isEmpty else { continue }
            change.inodes.append(directory.inode)
            change.names += names.map { Invalidation.Name(directory: directory.inode, name: $0) }
        }
        for file in TopFile.allCases where topFiles[file] != newer.topFiles[file] {
            change.inodes.append(Node.topFile(file).inode)
        }
        for specimen in newer.changedSpecimens(since: self) {
            let folder = Node.specimen(specimen).inode
            change.inodes += [folder, Node.specimenFile(specimen, .meta).inode]
            change.names += SpecimenFolder.nodes(of: specimen)
                .map { Invalidation.Name(directory: folder, name: $0.name) }
        }
        return change
    }

    /// The specimens of both versions whose rows differ, and those that are in this one alone.
    func changedSpecimens(since older: TreeIndex) -> [Int] {
        snapshot.specimens.filter { specimen in
            guard let before = older.snapshot[specimen.id] else { return true }
            return !specimen.hasSameRow(as: before)
        }
        .map(\.id)
    }
}
