internal import Fetch
internal import SpecimenData
internal import Specimens
internal import Support
internal import Volumes

/// An open file that fails with `ESTALE` when an object of the origin that it is made from has changed since the open.
///
/// The kernel keeps one set of pages for an inode, whoever opened it. A handle that went on handing out old bytes would
/// mix them into what a new handle reads; so from the moment a change is known, an old handle gets `ESTALE`. An open after
/// a change must not find the pages that were read before it, and while an old handle is there, not fill in pages that the
/// kernel would give to that one as well (`FuseAdapter/OpenHandles.swift`).
final class VersionedFile: OpenFile {
    private let file: any OpenFile
    private let watch: VersionWatch

    var isCurrent: Bool { watch.isCurrent }
    var keepsPageCache: Bool { file.keepsPageCache && !watch.hasChanged }
    var bypassesPageCache: Bool { file.bypassesPageCache }

    /// - Parameters:
    ///   - isCurrent: whether the version opened is still the present one.
    ///   - hasChanged: whether the kernel may have pages of an earlier version than the present one.
    init(
        _ file: any OpenFile, isCurrent: @escaping @Sendable () -> Bool, hasChanged: @escaping @Sendable () -> Bool
    ) {
        self.file = file
        watch = VersionWatch(isCurrent: isCurrent, hasChanged: hasChanged)
    }

    /// A file made from `versions` of objects.
    init(_ file: any OpenFile, of versions: [ObjectVersion], registry: ObjectRegistry) {
        self.file = file
        watch = VersionWatch(versions, registry)
    }

    func read(offset: Int, count: Int, isDirect: Bool, token: CancellationToken, receiver: any ReadReceiver) {
        guard isCurrent else { return receiver.fail(.stale) }
        file.read(offset: offset, count: count, isDirect: isDirect, token: token, receiver: receiver)
    }

    func countBlocks(
        forgets: Bool, token: CancellationToken,
        completion: @escaping @Sendable (Result<BlockCount, FileTreeError>) -> Void
    ) {
        file.countBlocks(forgets: forgets, token: token, completion: completion)
    }
}
