internal import Catalogue
internal import SpecimenData
internal import Support

extension Tree {
    private enum Attribute: String, CaseIterable {
        case url = "user.neuronfs.url"
        case cached = "user.neuronfs.cached"
        case etag = "user.neuronfs.etag"
    }

    /// The names of the extended attributes of `inode`: none for what does not come from the origin.
    public func extendedAttributeNames(of inode: InodeNumber) throws(FileTreeError) -> [String] {
        guard let node = Node(inode) else { throw .notFound }
        return Attribute.allCases.filter { value(of: $0, node) != nil }.map(\.rawValue)
    }

    /// The value of the extended attribute `name` of `inode`.
    ///
    /// `user.neuronfs.url` is where the bytes come from, `.etag` the version the origin named, `.cached` how many bytes
    /// of it the block cache holds. Only what is known without a request is told.
    public func extendedAttribute(_ name: String, of inode: InodeNumber) throws(FileTreeError) -> [UInt8] {
        guard let node = Node(inode) else { throw .notFound }
        guard let attribute = Attribute(rawValue: name), let value = value(of: attribute, node) else {
            throw .noAttribute
        }
        return Array(value.utf8)
    }

    private func value(of attribute: Attribute, _ node: Node) -> String? {
        guard let id = node.specimenID, let context = cachedContext(id) else { return nil }
        let url: String
        let object: String
        switch node {
        case .plane(_, .stack, let index):
            guard let image = context.stack?.plane(at: index) else { return nil }
            url = RMA.imageURL(
                base: parts.endpoint, imageID: image.imageID, left: image.x, top: image.y, width: image.width,
                height: image.height)
            object = PlaneReader.objectID(of: image, specimen: id)
        case .plane(_, _, _):
            // A label plane comes from the skeleton.
            guard let file = context.skeletonFile(endpoint: parts.endpoint) else { return nil }
            (url, object) = (file.url, file.id)
        default:
            guard let file = remoteFile(of: node, context) else { return nil }
            (url, object) = (file.url, file.id)
        }
        switch attribute {
        case .url: return url
        case .cached: return String(parts.cachedBytes(object))
        case .etag:
            let validator = parts.registry.cached(object)?.validator ?? ""
            return validator.isEmpty ? nil : OutsideText.line(OutsideText.cut(validator))
        }
    }
}
