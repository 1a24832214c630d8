internal import Catalogue
internal import SpecimenData
internal import Support

/// An open file that is told so when the object of the origin it is made from has changed since the open.
///
/// The kernel keeps one set of pages for an inode, whoever opened it. A handle that went on handing out old bytes would
/// mix them into what a new handle reads; so from the moment a change is known, an old handle gets `ESTALE`.
final class VersionedFile: OpenFile {
    private let file: any OpenFile
    private let isCurrent: @Sendable () -> Bool

    var keepsPageCache: Bool { file.keepsPageCache }
    var bypassesPageCache: Bool { file.bypassesPageCache }

    /// - Parameter isCurrent: whether the version opened is still the present one.
    init(_ file: any OpenFile, isCurrent: @escaping @Sendable () -> Bool) {
        self.file = file
        self.isCurrent = isCurrent
    }

    /// A file made from the object `objectID`, whose record is known; its present version is the one opened.
    convenience init(_ file: any OpenFile, objectID: String, registry: ObjectRegistry) {
        let version = registry.cached(objectID)?.version
        self.init(file) { registry.cached(objectID).map { $0.version == version } ?? true }
    }

    func read(offset: Int, count: Int, isDirect: Bool, token: CancellationToken, receiver: any ReadReceiver) {
        guard isCurrent() else { return receiver.fail(.stale) }
        file.read(offset: offset, count: count, isDirect: isDirect, token: token, receiver: receiver)
    }
}
