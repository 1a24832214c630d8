internal import Fetch
internal import Logging
internal import Specimens
package import Support
internal import Volumes

/// The file system: finds the ``Entry`` of an inode number, runs it, and gives the answer its number.
package final class Tree: FileService {
    let state: TreeState
    let table: NodeTable
    private let observers = Monitor<[@Sendable (Invalidation) -> Void]>([])
    /// Changes, by specimen, of which the kernel is to be told or is being told.
    private let changes = Monitor<[Int: Change]>([:])

    /// Objects of a specimen that have changed, and what memory had of it.
    private struct Change {
        var ids: Set<ObjectID> = []
        var context: SpecimenContext?
    }

    /// A tree over `parts`.
    package convenience init(parts: TreeParts) {
        self.init(parts: parts, table: NodeTable(identity: parts.source.identity))
    }

    init(parts: TreeParts, table: NodeTable) {
        state = TreeState(parts)
        self.table = table
        parts.registry.onChange { [weak self] records in self?.upstreamChanged(records.map(\.id)) }
        parts.source.onListChange { [weak self, source = parts.source] list in
            self?.catalogueChanged(TreeIndex(list, source))
        }
    }

    private func entry(of inode: InodeNumber) -> (any Entry)? {
        inode.isHashed ? table[inode]?.node.entry : Node(inode)?.entry
    }

    /// The answer of the entry of `inode`.
    func ask<Value: Sendable>(
        _ inode: InodeNumber, completion: @escaping @Sendable (Result<Value, FileTreeError>) -> Void,
        _ question: (any Entry) -> Answer<Value>
    ) {
        guard let entry = entry(of: inode) else { return completion(.failure(.notFound)) }
        question(entry).whenDone(completion)
    }
}

// Names.
extension Tree {
    /// The children of a directory in a fixed order.
    package func children(
        of directory: InodeNumber, token: CancellationToken,
        completion: @escaping @Sendable (Result<[DirectoryEntry], FileTreeError>) -> Void
    ) {
        ask(directory, completion: completion) { entry in
            entry.children(state, token: token).map { [self] children in
                children.compactMap { child in
                    number(of: child.entry, child.name, in: directory).map { inode, hashed in
                        DirectoryEntry(
                            name: child.name, inode: inode, kind: child.facts?.kind ?? child.entry.kind,
                            attributes: child.facts.map {
                                attributes(inode, noted($0, of: child.entry), of: child.entry)
                            },
                            hashed: hashed)
                    }
                }
            }
        }
    }

    /// Counts one reply that tells the kernel of `entry` with its attributes. Computed numbers need no count.
    package func countLookup(of entry: DirectoryEntry) -> Bool {
        guard let hashed = entry.hashed else { return true }
        do throws(FileTreeError) {
            try table.countLookup(of: hashed)
            return true
        } catch {
            return false
        }
    }

    /// Takes back `count` replies with the number `inode`. Computed numbers need no count.
    package func forget(_ inode: InodeNumber, count: UInt64) {
        if inode.isHashed { table.forget(inode, count: count) }
    }

    /// The target of a symbolic link.
    package func readLink(_ inode: InodeNumber) throws(FileTreeError) -> String {
        guard let entry = entry(of: inode) else { throw .notFound }
        return try entry.target(state)
    }

    /// The path of `inode` below the mount point, "." for the mount point itself.
    package func path(of inode: InodeNumber) -> String? {
        inode.isHashed ? table[inode]?.path : Node(inode)?.entry.path(state)
    }
}

// Attributes and bytes.
extension Tree {
    /// The attributes of `inode`.
    package func attributes(
        of inode: InodeNumber, token: CancellationToken,
        completion: @escaping @Sendable (Result<FileAttributes, FileTreeError>) -> Void
    ) {
        ask(inode, completion: completion) { entry in
            entry.facts(state, token: token).map { [self] in attributes(inode, noted($0, of: entry), of: entry) }
        }
    }

    /// The attributes of an open file, as far as they are known without the source.
    package func attributes(ofOpen inode: InodeNumber) -> FileAttributes? {
        guard let entry = entry(of: inode) else { return nil }
        if let (facts, isProvisional) = remembered(entry) {
            return attributes(inode, facts, of: entry, isProvisional: isProvisional)
        }
        // A file that was there when it was opened.
        guard entry.sizeFolder != nil else { return nil }
        return attributes(inode, provisionalFacts(of: entry), of: entry, isProvisional: true)
    }

    /// The attributes with which a reply tells the kernel of `entry`.
    func attributes(
        _ inode: InodeNumber, _ facts: Facts, of entry: any Entry, isProvisional: Bool = false
    ) -> FileAttributes {
        FileAttributes(
            inode: inode, kind: facts.kind, size: facts.size,
            linkCount: facts.kind == .file ? entry.nameCount(state.index) : facts.linkCount, modified: facts.modified,
            isProvisional: isProvisional)
    }

    /// What memory says of `entry`, and whether that is provisional; nil for what is not there.
    func remembered(_ entry: any Entry) -> (facts: Facts, isProvisional: Bool)? {
        switch entry.known(state) {
        case .absent: nil
        case .unknown: (provisionalFacts(of: entry), true)
        case .unverified(let facts): (noted(facts, of: entry), true)
        case .known(let facts): (noted(facts, of: entry), false)
        }
    }

    /// What can be said of `entry` while the source has not been asked.
    private func provisionalFacts(of entry: any Entry) -> Facts {
        let time = state.index.snapshot.fetchedAt
        return entry.kind == .directory
            ? .directory(modified: time) : .file(size: state.toldSizes.size(of: entry) ?? 0, modified: time)
    }

    /// `facts`, which are about to be told to the kernel.
    private func noted(_ facts: Facts, of entry: any Entry) -> Facts {
        if facts.kind == .file { state.toldSizes.note(facts.size, of: entry) }
        return facts
    }

    /// Opens a file for reading.
    package func open(
        _ inode: InodeNumber, token: CancellationToken,
        completion: @escaping @Sendable (Result<any OpenFile, FileTreeError>) -> Void
    ) {
        ask(inode, completion: completion) { $0.open(state, token: token) }
    }

    /// The names of the extended attributes of `inode`: none for what does not come from the source.
    package func extendedAttributeNames(
        of inode: InodeNumber, token: CancellationToken,
        completion: @escaping @Sendable (Result<[String], FileTreeError>) -> Void
    ) {
        ask(inode, completion: completion) { entry in
            entry.original(state, token: token).map { [parts = state.parts] original in
                ExtendedAttribute.allCases.filter { $0.value(original, parts) != nil }.map(\.rawValue)
            }
        }
    }

    /// The value of the extended attribute `name` of `inode`. No request is made for it, beyond those for the planes and
    /// files of the cell.
    package func extendedAttribute(
        _ name: String, of inode: InodeNumber, token: CancellationToken,
        completion: @escaping @Sendable (Result<[UInt8], FileTreeError>) -> Void
    ) {
        guard let attribute = ExtendedAttribute(rawValue: name) else { return completion(.failure(.noAttribute)) }
        ask(inode, completion: completion) { entry in
            entry.original(state, token: token).flatMap { [parts = state.parts] original in
                Promise(attribute.value(original, parts).map { .success(Array($0.utf8)) } ?? .failure(.noAttribute))
            }
        }
    }
}

// What has changed.
extension Tree {
    /// Calls `observer`, on a worker, with what is of a new version, so that the kernel can be told to forget the old one.
    package func onInvalidation(_ observer: @escaping @Sendable (Invalidation) -> Void) {
        observers.withLock { $0.append(observer) }
    }

    private func announce(_ stale: StaleEntries) {
        func number(_ entry: any Entry) -> InodeNumber? {
            entry.node.inode ?? entry.path(state).map(table.number)
        }
        let change = Invalidation(
            inodes: stale.entries.compactMap(number),
            names: stale.names.compactMap { directory, name in
                number(directory).map { Invalidation.Name(directory: $0, name: name) }
            })
        for observer in observers.withLock({ $0 }) { observer(change) }
    }

    /// A list of cells has arrived, which may be the same as before.
    private func catalogueChanged(_ newer: TreeIndex) {
        guard let older = state.replaceIndex(by: newer) else { return }
        announce(StaleEntries(of: older, replacedBy: newer))
        for id in newer.changedSpecimens(since: older) {
            guard let before = older.snapshot[id], let after = newer.snapshot[id] else { continue }
            replaced(before.skeleton, by: after.skeleton)
            replaced(before.recording, by: after.recording)
        }
    }

    /// The catalogue names another file than before in the same place of a specimen.
    private func replaced(_ old: ObjectID?, by new: ObjectID?) {
        guard let old, let new, old != new else { return }
        state.parts.registry.supersede(old, by: new)
        upstreamChanged([new])
    }

    /// The objects `ids` of the source have new versions. What a specimen is made into is looked through once for all of its
    /// objects that change meanwhile: a stack has thousands.
    private func upstreamChanged(_ ids: [ObjectID]) {
        for (specimen, ids) in Dictionary(grouping: ids, by: \.specimen) {
            let context = state.contexts.cached(specimen)
            state.contexts.remove(specimen)
            state.documents.removeAll { $0.specimen == specimen }
            let isFirst = changes.withLock { changes in
                var change = changes[specimen] ?? Change()
                change.ids.formUnion(ids)
                change.context = context ?? change.context
                return changes.updateValue(change, forKey: specimen) == nil
            }
            if isFirst { announceChanges(of: specimen) }
        }
    }

    /// Tells of the changes of a specimen, until there are no more.
    private func announceChanges(of specimen: Int) {
        while true {
            let change = changes.withLock { changes -> Change? in
                guard let change = changes[specimen], !change.ids.isEmpty else {
                    changes[specimen] = nil
                    return nil
                }
                changes[specimen] = Change()
                return change
            }
            guard let change else { return }
            guard let context = change.context else { return announce(change.ids, of: specimen) }
            announce(change.ids, context)
        }
    }

    private func announce(_ ids: Set<ObjectID>, _ context: SpecimenContext) {
        announce(StaleEntries(madeFrom: ChangedObjects(ids, of: context.specimen), context, state.index))
    }

    /// After an earlier change, a refresh of the catalogue, or many other specimens: memory or disk has the objects.
    private func announce(_ ids: Set<ObjectID>, of specimen: Int) {
        guard let row = state.index.snapshot[specimen] else {
            changes.withLock { $0[specimen] = nil }
            return
        }
        let found = state.parts.source.objects(of: row, token: CancellationToken())
        found.whenDone { [self] outcome in
            switch outcome {
            case .failure(let error):
                // An open drops stale pages by itself; what is missed are mapped pages and sizes.
                state.parts.logger.warning(
                    "the kernel is not told of a change", metadata: ["specimen": "\(specimen)", "reason": "\(error)"])
            case .success(let objects):
                announce(ids, SpecimenContext(specimen: row, objects: objects, skeletonModified: nil))
            }
            announceChanges(of: specimen)
        }
    }
}
