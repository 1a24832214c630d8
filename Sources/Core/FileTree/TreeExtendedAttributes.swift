internal import Fetch
internal import SpecimenData
internal import Specimens
package import Support

extension Tree {
    private enum Attribute: String, CaseIterable {
        case url = "user.neuronfs.url"
        case cached = "user.neuronfs.cached"
        case etag = "user.neuronfs.etag"
    }

    /// The names of the extended attributes of `inode`: none for what does not come from the origin.
    package func extendedAttributeNames(
        of inode: InodeNumber, token: CancellationToken,
        completion: @escaping @Sendable (Result<[String], FileTreeError>) -> Void
    ) {
        source(of: inode, token: token) { [self] outcome in
            completion(
                outcome.map { source in
                    Attribute.allCases.filter { value(of: $0, source) != nil }.map(\.rawValue)
                })
        }
    }

    /// The value of the extended attribute `name` of `inode`.
    ///
    /// `user.neuronfs.url` is where the bytes come from, `.etag` the version the origin named, `.cached` how many bytes
    /// of it the block cache holds. No request is made for them, beyond those for the planes and files of the cell.
    package func extendedAttribute(
        _ name: String, of inode: InodeNumber, token: CancellationToken,
        completion: @escaping @Sendable (Result<[UInt8], FileTreeError>) -> Void
    ) {
        guard let attribute = Attribute(rawValue: name) else { return completion(.failure(.noAttribute)) }
        source(of: inode, token: token) { [self] outcome in
            completion(
                outcome.flatMap { source in
                    value(of: attribute, source).map { .success(Array($0.utf8)) } ?? .failure(.noAttribute)
                })
        }
    }

    /// Where the bytes of an inode come from.
    private struct Source: Sendable {
        var url: String
        /// Name of the object in the cache.
        var object: ObjectID
    }

    private func origin(_ object: SourceObject) -> Source {
        Source(url: parts.files.address(of: object), object: object.id)
    }

    /// The source of `inode`; nil for what is made here.
    private func source(
        of inode: InodeNumber, token: CancellationToken,
        completion: @escaping @Sendable (Result<Source?, FileTreeError>) -> Void
    ) {
        guard let node = Node(inode) else { return completion(.failure(.notFound)) }
        guard let id = node.specimenOfOriginal else { return completion(.success(nil)) }
        // The kernel may have been told of a file before it was known whether it is there.
        context(of: id, token: token) { [self] outcome in
            completion(
                outcome.flatMap { context in source(of: node, context).map { .success($0) } ?? .failure(.notFound) })
        }
    }

    private func source(of node: Node, _ context: SpecimenContext) -> Source? {
        if case .plane(let id, let series, let index) = node {
            guard let image = context.stack?.plane(at: index) else { return nil }
            // A label plane comes from the skeleton.
            guard series == .stack else {
                return context.objects.skeleton.map(origin)
            }
            return Source(
                url: parts.planes.address(of: image, specimen: id), object: PlaneReader.objectID(of: image, specimen: id))
        }
        return remoteFile(of: node, context).map(origin)
    }

    private func value(of attribute: Attribute, _ source: Source?) -> String? {
        guard let source else { return nil }
        switch attribute {
        case .url: return source.url
        case .cached: return String(parts.cachedBytes(source.object.description))
        case .etag:
            let validator = parts.registry.cached(source.object)?.validator ?? ""
            return validator.isEmpty ? nil : OutsideText.line(OutsideText.cut(validator))
        }
    }
}

extension Node {
    /// The specimen of a node that comes from one file or image of the origin; nil for other nodes.
    fileprivate var specimenOfOriginal: Int? {
        switch self {
        case .plane(let id, _, _), .projection(let id, _), .specimenFile(let id, .skeleton),
            .specimenFile(let id, .marker), .specimenFile(let id, .recording):
            id
        default: nil
        }
    }
}
