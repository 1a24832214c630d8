internal import Fetch
internal import Specimens
internal import Support
internal import Volumes

/// An open file that fails with `ESTALE` when an object of the source that it is made from has changed since the open.
///
/// The kernel keeps one set of pages for an inode, for all its handles. A handle that still gave old bytes would mix them
/// into the pages of a new handle. So an old handle gets `ESTALE` from the moment the change is known. A new handle must not
/// find the pages that were read before the change. While an old handle is open, a new one must not fill in pages, because
/// the kernel would give them to the old one as well (`FuseAdapter/OpenHandles.swift`).
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
