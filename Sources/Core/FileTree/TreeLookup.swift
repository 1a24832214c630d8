internal import Catalogue
internal import SpecimenData
public import Support

extension Tree {
    /// The child called `name` of the directory `parent`.
    public func lookup(
        _ name: String, in parent: InodeNumber, token: CancellationToken,
        completion: @escaping @Sendable (Result<FileAttributes, FileTreeError>) -> Void
    ) {
        guard let parent = Node(parent) else { return completion(.failure(.notFound)) }
        child(name, of: parent, token: token) { [self] outcome in
            switch outcome {
            case .failure(let error): completion(.failure(error))
            case .success(let node): attributes(of: node, token: token, completion: completion)
            }
        }
    }

    /// The node called `name` in `parent`. Asks the origin only for names inside a specimen.
    private func child(
        _ name: String, of parent: Node, token: CancellationToken,
        completion: @escaping @Sendable (Result<Node, FileTreeError>) -> Void
    ) {
        let index = currentIndex
        if let id = parent.specimenOfDirectory {
            guard index.snapshot[id] != nil else { return completion(.failure(.notFound)) }
            // A name that no specimen ever has needs no request to be told absent.
            guard parent.mayHold(name) else { return completion(.failure(.notFound)) }
            return context(of: id, token: token) { [self] outcome in
                switch outcome {
                case .failure(let error): completion(.failure(error))
                case .success(let context):
                    if case .zarr(_, let series, let number) = parent {
                        return zarrChild(name, of: number, context, series, token: token, completion: completion)
                    }
                    completion(self.child(name, of: parent, context).map { .success($0) } ?? .failure(.notFound))
                }
            }
        }
        let found: Node? =
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
        guard let found else {
            return completion(.failure(parent.isDirectory ? .notFound : .notDirectory))
        }
        completion(.success(found))
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

    /// A child inside a specimen whose context is known.
    private func child(_ name: String, of parent: Node, _ context: SpecimenContext) -> Node? {
        switch parent {
        case .specimen: return specimenChildren(context).first { $0.name == name }?.node
        case .planes(let id, let series):
            guard let plane = PlaneNames.index(name), context.stack?.plane(at: plane) != nil else { return nil }
            return .plane(id, series, plane)
        case .projections(let id):
            return ProjectionFile.allCases.first { $0.name == name && context.projection($0) != nil }
                .map { .projection(id, $0) }
        default: return nil
        }
    }

    /// The children of a directory in a fixed order.
    public func children(
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
                    completion(children(of: node, context).map { .success($0) } ?? .failure(.notDirectory))
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

    private func children(of node: Node, _ context: SpecimenContext) -> [DirectoryEntry]? {
        let nodes: [(name: String, node: Node)]
        switch node {
        case .specimen: nodes = specimenChildren(context)
        case .planes(let id, let series):
            nodes = context.planeIndices.map { (PlaneNames.name($0), .plane(id, series, $0)) }
        case .projections(let id):
            nodes = ProjectionFile.allCases.filter { context.projection($0) != nil }
                .map { ($0.name, .projection(id, $0)) }
        default: return nil
        }
        return nodes.map { name, node in
            DirectoryEntry(
                name: name, inode: node.inode, kind: node.kind,
                attributes: knownAttributes(of: node, context))
        }
    }

    /// What a specimen's folder holds.
    func specimenChildren(_ context: SpecimenContext) -> [(name: String, node: Node)] {
        let id = context.id
        var children: [(name: String, node: Node)] = []
        func add(_ file: SpecimenFile) { children.append((file.name, .specimenFile(id, file))) }
        add(.meta)
        if context.specimen.hasSkeleton { add(.skeleton) }
        if context.markerFile(endpoint: parts.endpoint) != nil { add(.marker) }
        if context.specimen.recordingFileID != nil { add(.recording) }
        if context.stack != nil {
            children.append((Series.stack.folder, .planes(id, .stack)))
            children.append((SpecimenFolder.projections, .projections(id)))
            add(.stackVolume)
            children.append(("stack.ome.zarr", .zarr(id, .stack, 0)))
        }
        if context.hasLabels {
            for series in Series.allCases where series != .stack {
                children.append((series.folder, .planes(id, series)))
            }
            add(.instances)
            add(.labelVolume)
            children.append(("labels.ome.zarr", .zarr(id, .labels, 0)))
        }
        return children
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

    /// False for names that a directory of a specimen cannot have whatever the origin says: what file managers, shells
    /// and Python look for everywhere (`.git`, `.Trash`, `__init__.py`).
    fileprivate func mayHold(_ name: String) -> Bool {
        switch self {
        case .specimen: SpecimenFolder.allNames.contains(name)
        case .planes: PlaneNames.index(name) != nil
        case .projections: name.hasSuffix(".jpg")
        default: true
        }
    }

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
