internal import SpecimenData
internal import Specimens
package import Support

extension Tree {
    /// The child called `name` of the directory `parent`.
    package func lookup(
        _ name: String, in parent: InodeNumber, token: CancellationToken,
        completion: @escaping @Sendable (Result<FileAttributes, FileTreeError>) -> Void
    ) {
        guard let parent = Node(parent) else { return completion(.failure(.notFound)) }
        let index = currentIndex
        guard let id = parent.specimenOfDirectory else {
            guard let node = child(name, of: parent, index), let attributes = knownAttributes(of: node, index) else {
                return completion(.failure(parent.isDirectory ? .notFound : .notDirectory))
            }
            return completion(.success(attributes))
        }
        guard let specimen = index.snapshot[id] else { return completion(.failure(.notFound)) }
        let context = cachedContext(id)
        if case .zarr(_, let series, let number) = parent {
            if let context { return completion(zarrLookup(name, of: number, context, series)) }
            // Numbers of inodes in a store follow from its geometry.
            return self.context(of: id, token: token) { [self] outcome in
                completion(outcome.flatMap { zarrLookup(name, of: number, $0, series) })
            }
        }
        // A name that no specimen ever has, or not this one by its row, needs no request to be told absent.
        guard let node = parent.child(name), specimen.mayHave(node) else { return completion(.failure(.notFound)) }
        completion(lookup(node, context))
    }

    /// What a lookup that finds `node` answers: the attributes where they are known, else provisional ones.
    private func lookup(_ node: Node, _ context: SpecimenContext?) -> Result<FileAttributes, FileTreeError> {
        guard let context else { return .success(provisionalAttributes(of: node)) }
        if let attributes = toldAttributes(of: node, context) { return .success(attributes) }
        return mayAskForSize(of: node, context) ? .success(provisionalAttributes(of: node)) : .failure(.notFound)
    }

    /// The child called `name` of a directory that the catalogue alone decides.
    private func child(_ name: String, of parent: Node, _ index: TreeIndex) -> Node? {
        switch parent {
        case .root: TreeIndex.topNodes.first { $0.name == name }?.node
        case .control: ControlFile.allCases.first { $0.name == name }.map { .controlFile($0) }
        case .species(let species): specimenID(name, among: index.bySpecies[species]).map { .specimen($0) }
        case .trainable: Species(rawValue: name).map { .trainableSpecies($0) }
        case .trainableSpecies(let species):
            specimenID(name, among: index.trainable[species]).map { .link(.trainable, $0) }
        case .grouping(.name): index.specimenOfName[name].map { .link(.name, $0) }
        case .grouping(let grouping): index.group(grouping, named: name).map { .group(grouping, $0.hash) }
        case .group(let grouping, let hash):
            index.group(grouping, hash: hash).flatMap { group in
                specimenID(name, among: group.specimens).map { .link(index.place(of: $0, in: group, grouping), $0) }
            }
        case .splits: SplitPart(rawValue: name).map { .split($0) }
        case .split(let split): specimenID(name, among: index.snapshot.splits[split]).map { .link(.split, $0) }
        default: nil
        }
    }

    /// A specimen id spelt as its folder is, if it is one of `ids`, which ascend.
    private func specimenID(_ name: String, among ids: [Int]?) -> Int? {
        guard let ids, let id = Int(name), String(id) == name else { return nil }
        var low = 0
        var high = ids.count
        while low < high {
            let middle = (low + high) / 2
            if ids[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low < ids.count && ids[low] == id ? id : nil
    }

    /// The children of a directory in a fixed order.
    package func children(
        of directory: InodeNumber, token: CancellationToken,
        completion: @escaping @Sendable (Result<[DirectoryEntry], FileTreeError>) -> Void
    ) {
        guard let node = Node(directory) else { return completion(.failure(.notFound)) }
        if let id = node.specimenOfDirectory {
            return context(of: id, token: token) { [self] outcome in
                switch outcome {
                case .failure(let error): completion(.failure(error))
                case .success(let context):
                    if case .zarr(_, let series, let number) = node {
                        return zarrChildren(of: number, context, series, token: token, completion: completion)
                    }
                    completion(children(of: node, context))
                }
            }
        }
        let index = currentIndex
        if case .group(let grouping, let hash) = node, index.group(grouping, hash: hash) == nil {
            return completion(.failure(.notFound))
        }
        guard let nodes = index.children(of: node) else { return completion(.failure(.notDirectory)) }
        completion(
            .success(
                nodes.map { name, node in
                    DirectoryEntry(
                        name: name, inode: node.inode, kind: node.kind, attributes: knownAttributes(of: node, index))
                }))
    }

    private func children(
        of node: Node, _ context: SpecimenContext
    ) -> Result<[DirectoryEntry], FileTreeError> {
        // A lookup may have told of a folder before it was known whether it is there.
        if !node.isSpecimen, knownAttributes(of: node, context) == nil { return .failure(.notFound) }
        let nodes: [(name: String, node: Node)]
        switch node {
        case .specimen: nodes = specimenChildren(context)
        case .planes(let id, let series):
            nodes = context.planeIndices.map { (PlaneNames.name($0), .plane(id, series, $0)) }
        case .projections(let id):
            nodes = ProjectionFile.allCases.filter { context.projection($0) != nil }
                .map { ($0.name, .projection(id, $0)) }
        default: return .failure(.notDirectory)
        }
        return .success(
            nodes.map { name, node in
                DirectoryEntry(
                    name: name, inode: node.inode, kind: node.kind, attributes: toldAttributes(of: node, context))
            })
    }

    /// What a specimen's folder holds.
    func specimenChildren(_ context: SpecimenContext) -> [(name: String, node: Node)] {
        SpecimenFolder.nodes(of: context.id).filter { _, node in
            context.specimen.mayHave(node) && context.mayHave(node)
        }
    }
}

extension Node {
    /// The specimen whose details a directory's names depend on; nil for other nodes.
    fileprivate var specimenOfDirectory: Int? {
        switch self {
        case .specimen(let id), .planes(let id, _), .projections(let id), .zarr(let id, _, _): id
        default: nil
        }
    }

    /// The node that `name` means in a directory of a specimen, whatever the origin says of it; nil for what file managers,
    /// shells and Python look for everywhere (`.git`, `.Trash`, `__init__.py`), and for names in Zarr stores.
    fileprivate func child(_ name: String) -> Node? {
        switch self {
        case .specimen(let id): SpecimenFolder.node(name, of: id)
        case .planes(let id, let series):
            PlaneNames.index(name).flatMap { $0 < ImageStack.maximumDepth ? .plane(id, series, $0) : nil }
        case .projections(let id): ProjectionFile.allCases.first { $0.name == name }.map { .projection(id, $0) }
        default: nil
        }
    }

    fileprivate var isSpecimen: Bool { if case .specimen = self { true } else { false } }

    /// Directory, file or link, as far as the node alone tells: a node of a Zarr store may be either.
    var kind: FileKind {
        switch self {
        case .root, .control, .species, .specimen, .planes, .projections, .trainable, .trainableSpecies, .grouping,
            .group, .splits, .split, .zarr:
            .directory
        case .topFile, .controlFile, .specimenFile, .plane, .projection: .file
        case .link: .link
        }
    }

    fileprivate var isDirectory: Bool { kind == .directory }
}

extension Specimen {
    /// False where the row of the specimen rules out what `node` is, one of its own.
    fileprivate func mayHave(_ node: Node) -> Bool {
        switch node {
        case .specimenFile(_, .meta): true
        case .specimenFile(_, .skeleton), .specimenFile(_, .marker): hasSkeleton
        case .specimenFile(_, .recording): recording != nil
        case .specimenFile(_, .instances), .specimenFile(_, .labelVolume): isTrainable
        case .specimenFile(_, .stackVolume), .projections, .projection: hasImages
        case .planes(_, let series), .plane(_, let series, _), .zarr(_, let series, _):
            series == .stack ? hasImages : isTrainable
        default: false
        }
    }
}

extension SpecimenContext {
    /// False where the planes and files of the specimen rule out what `node` is, one of its folder.
    fileprivate func mayHave(_ node: Node) -> Bool {
        switch node {
        case .specimenFile(_, .meta), .specimenFile(_, .skeleton), .specimenFile(_, .recording): true
        case .specimenFile(_, .marker): objects.marker != nil
        default: stack != nil
        }
    }
}
