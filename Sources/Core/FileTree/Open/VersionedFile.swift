internal import Catalogue
internal import SpecimenData
internal import Support

/// An open file that is told so when the object of the origin it is made from has changed since the open.
///
/// The kernel keeps one set of pages for an inode, whoever opened it. A handle that went on handing out old bytes would
/// mix them into what a new handle reads; so from the moment a change is known, an old handle gets `ESTALE`.
final class VersionedFile: OpenFile {
    private let file: any OpenFile
    private let objectID: String
    private let version: Int?
    private let registry: ObjectRegistry

    var keepsPageCache: Bool { file.keepsPageCache }
    var bypassesPageCache: Bool { file.bypassesPageCache }

    /// - Parameter objectID: name of the object in the registry; its present version is the one opened.
    init(_ file: any OpenFile, objectID: String, registry: ObjectRegistry) {
        self.file = file
        self.objectID = objectID
        self.registry = registry
        version = registry.cached(objectID)?.version
    }

    func read(offset: Int, count: Int, isDirect: Bool, token: CancellationToken, receiver: any ReadReceiver) {
        // An image that was not known at the open has its first version now, which is the one this handle reads.
        if let version, let now = registry.cached(objectID)?.version, now != version { return receiver.fail(.stale) }
        file.read(offset: offset, count: count, isDirect: isDirect, token: token, receiver: receiver)
    }
}
