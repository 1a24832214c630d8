internal import OMEZarr
internal import SpecimenData
internal import Specimens
package import Support
internal import VirtualTIFF

extension Tree {
    /// Bytes reported for a directory.
    private static let directorySize = 4096

    /// The attributes of `inode`.
    package func attributes(
        of inode: InodeNumber, token: CancellationToken,
        completion: @escaping @Sendable (Result<FileAttributes, FileTreeError>) -> Void
    ) {
        guard let node = Node(inode) else { return completion(.failure(.notFound)) }
        let index = currentIndex
        if let attributes = knownAttributes(of: node, index) { return completion(.success(attributes)) }
        guard let id = node.specimenID, index.snapshot[id] != nil else { return completion(.failure(.notFound)) }
        context(of: id, token: token) { [self] outcome in
            switch outcome {
            case .failure(let error): completion(.failure(error))
            case .success(let context):
                if case .zarr(_, let series, let number) = node {
                    return zarrAttributes(of: number, context, series, token: token, completion: completion)
                }
                if let attributes = toldAttributes(of: node, context) { return completion(.success(attributes)) }
                size(of: node, context, token: token) { [self] outcome in
                    if case .success(let attributes) = outcome { toldSizes.note(attributes.size, of: node) }
                    completion(outcome)
                }
            }
        }
    }

    /// The attributes of an open file, as far as they are known without the origin.
    package func attributes(ofOpen inode: InodeNumber) -> FileAttributes? {
        guard let node = Node(inode) else { return nil }
        if let attributes = knownAttributes(of: node, currentIndex) { return attributes }
        guard let id = node.specimenID else { return nil }
        return cachedContext(id).flatMap { toldAttributes(of: node, $0) } ?? provisionalAttributes(of: node)
    }

    /// What a lookup can say of a node of a specimen while the origin has not been asked.
    func provisionalAttributes(of node: Node) -> FileAttributes {
        FileAttributes(
            inode: node.inode, kind: node.kind,
            size: node.kind == .directory ? Self.directorySize : toldSizes.size(of: node) ?? 0,
            linkCount: node.kind == .directory ? 2 : 1, modified: currentIndex.snapshot.fetchedAt, isProvisional: true)
    }

    /// Attributes that follow from a specimen's context without asking the origin again, to be told to the kernel.
    func toldAttributes(of node: Node, _ context: SpecimenContext) -> FileAttributes? {
        let attributes = knownAttributes(of: node, context)
        if let attributes, attributes.kind == .file { toldSizes.note(attributes.size, of: node) }
        return attributes
    }

    /// Attributes that follow from the catalogue alone.
    func knownAttributes(of node: Node, _ index: TreeIndex) -> FileAttributes? {
        let time = index.snapshot.fetchedAt
        func directory(_ subdirectories: Int) -> FileAttributes {
            FileAttributes(
                inode: node.inode, kind: .directory, size: Self.directorySize, linkCount: 2 + subdirectories,
                modified: time)
        }
        switch node {
        case .root: return directory(TreeIndex.topNodes.count { $0.node.kind == .directory })
        case .control, .trainableSpecies, .split, .grouping(.name): return directory(0)
        case .trainable: return directory(Species.allCases.count)
        case .splits: return directory(SplitPart.allCases.count)
        case .species(let species): return directory(index.bySpecies[species]?.count ?? 0)
        case .grouping(let grouping): return directory(index.groups(grouping).count)
        case .group(let grouping, let hash): return index.group(grouping, hash: hash).map { _ in directory(0) }
        case .topFile(let file):
            return FileAttributes(
                inode: node.inode, kind: .file, size: index.topFiles[file]?.count ?? 0, modified: time)
        case .controlFile:
            return FileAttributes(
                inode: node.inode, kind: .file, size: ControlDocument.size, modified: wallClockSeconds())
        case .link(let place, let id):
            guard let target = linkTarget(place, id, index) else { return nil }
            return FileAttributes(inode: node.inode, kind: .link, size: target.utf8.count, modified: time)
        case .specimen(let id):
            // The number of subdirectories follows from the row: the variants are the same for every cell.
            guard let specimen = index.snapshot[id] else { return nil }
            return directory(Self.subdirectories(hasImages: specimen.hasImages, hasSkeleton: specimen.hasSkeleton))
        default: return nil
        }
    }

    /// Folders in a specimen's folder: stack, projections, stack.ome.zarr; the label series and labels.ome.zarr.
    private static func subdirectories(hasImages: Bool, hasSkeleton: Bool) -> Int {
        hasImages ? 3 + (hasSkeleton ? Series.allCases.count : 0) : 0
    }

    /// Attributes that follow from a specimen's context without asking the origin again.
    func knownAttributes(of node: Node, _ context: SpecimenContext) -> FileAttributes? {
        let time = context.skeletonModified ?? currentIndex.snapshot.fetchedAt
        func file(_ size: Int) -> FileAttributes {
            FileAttributes(inode: node.inode, kind: .file, size: size, modified: time)
        }
        func directory(_ subdirectories: Int) -> FileAttributes {
            FileAttributes(
                inode: node.inode, kind: .directory, size: Self.directorySize, linkCount: 2 + subdirectories,
                modified: time)
        }
        switch node {
        case .planes(_, let series):
            return context.stack != nil && (series == .stack || context.hasLabels) ? directory(0) : nil
        case .projections: return context.stack != nil ? directory(0) : nil
        case .plane(_, let series, let index):
            guard series == .stack || context.hasLabels, let image = context.stack?.plane(at: index),
                let layout = planeLayout(context, series, image)
            else { return nil }
            return file(layout.fileSize)
        case .specimenFile(_, .meta): return knownMeta(context).map { file($0.value.count) }
        case .specimenFile(_, .stackVolume): return volumeLayout(context, .stack).map { file($0.fileSize) }
        case .specimenFile(_, .labelVolume):
            return context.hasLabels ? volumeLayout(context, .labels).map { file($0.fileSize) } : nil
        case .specimenFile(_, .skeleton): return recordAttributes(node, context.objects.skeleton)
        case .specimenFile(_, .marker): return recordAttributes(node, context.objects.marker)
        case .specimenFile(_, .recording):
            return recordAttributes(node, context.objects.recording)
        case .specimenFile(_, .instances):
            guard let skeleton = context.objects.skeleton,
                let version = parts.files.cachedVersion(of: skeleton), let size = instanceSizes[version.object]
            else { return nil }
            return context.hasLabels ? file(size) : nil
        case .projection(_, let projection):
            return recordAttributes(node, context.projection(projection)?.object)
        case .zarr(_, let series, let number):
            guard let store = zarrStore(context, series), let entry = store.node(number) else { return nil }
            return entry.isDirectory ? directory(store.subdirectories(of: entry)) : file(store.size(of: entry))
        default: return nil
        }
    }

    private func recordAttributes(_ node: Node, _ file: SourceObject?) -> FileAttributes? {
        guard let file, let version = parts.files.cachedVersion(of: file) else { return nil }
        return attributes(node, length: version.length, modified: version.modified)
    }

    private func attributes(_ node: Node, length: Int, modified: Double?) -> FileAttributes {
        FileAttributes(
            inode: node.inode, kind: .file, size: length, modified: modified ?? currentIndex.snapshot.fetchedAt)
    }

    /// Whether a file is there for whose size the origin, or the skeleton, may have to be asked.
    func mayAskForSize(of node: Node, _ context: SpecimenContext) -> Bool {
        switch node {
        case .specimenFile(_, .meta): true
        case .specimenFile(_, .instances): context.hasLabels
        default: remoteFile(of: node, context) != nil
        }
    }

    /// Attributes for which the origin, or the skeleton, has to be asked.
    private func size(
        of node: Node, _ context: SpecimenContext, token: CancellationToken,
        completion: @escaping @Sendable (Result<FileAttributes, FileTreeError>) -> Void
    ) {
        let made: @Sendable (Result<Derived<[UInt8]>, FileTreeError>) -> Void = { [self] outcome in
            completion(outcome.map { attributes(node, length: $0.value.count, modified: context.skeletonModified) })
        }
        if case .specimenFile(_, .instances) = node { return instanceTable(context, token: token, completion: made) }
        if case .specimenFile(_, .meta) = node { return meta(context, token: token, completion: made) }
        guard let file = remoteFile(of: node, context) else { return completion(.failure(.notFound)) }
        parts.files.version(of: file, token: token) { [self] outcome in
            switch outcome {
            case .failure(let error): completion(.failure(.data(error)))
            case .success(let version):
                completion(.success(attributes(node, length: version.length, modified: version.modified)))
            }
        }
    }

    /// The file of the origin behind a node; nil for nodes that are made here.
    func remoteFile(of node: Node, _ context: SpecimenContext) -> SourceObject? {
        switch node {
        case .specimenFile(_, .skeleton): context.objects.skeleton
        case .specimenFile(_, .marker): context.objects.marker
        case .specimenFile(_, .recording): context.objects.recording
        case .projection(_, let file): context.projection(file)?.object
        default: nil
        }
    }

    /// The target of a symbolic link.
    package func readLink(_ inode: InodeNumber) throws(FileTreeError) -> String {
        guard let node = Node(inode) else { throw .notFound }
        guard case .link(let place, let id) = node else { throw .notLink }
        guard let target = linkTarget(place, id, currentIndex) else { throw .notFound }
        return target
    }

    private func linkTarget(_ place: LinkPlace, _ id: Int, _ index: TreeIndex) -> String? {
        index.snapshot[id].map {
            String(repeating: "../", count: place.depth) + "\($0.species.rawValue)/\(id)"
        }
    }
}

extension Node {
    /// The specimen this node belongs to.
    var specimenID: Int? {
        switch self {
        case .specimen(let id), .specimenFile(let id, _), .planes(let id, _), .plane(let id, _, _),
            .projections(let id), .projection(let id, _), .zarr(let id, _, _), .link(_, let id):
            id
        default: nil
        }
    }
}
