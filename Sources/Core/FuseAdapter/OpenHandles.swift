internal import FileTree
internal import Support
internal import Synchronization

/// An open file, and whether a reader waits for the bytes read from it (``BackgroundReading``).
final class OpenHandle: Sendable {
    let file: any OpenFile
    let inode: InodeNumber
    /// Whether the kernel keeps no pages of this handle, so that every read comes here.
    let bypassesPageCache: Atomic<Bool>
    let isBackground = Atomic<Bool>(false)

    init(_ file: any OpenFile, inode: InodeNumber) {
        self.file = file
        self.inode = inode
        bypassesPageCache = Atomic(file.bypassesPageCache)
    }

    var lane: Lane { isBackground.load(ordering: .relaxed) ? .prefetch : .demand }
}

typealias FileHandle = HandleBox<OpenHandle>

/// The listings of the directories that are open, each made when its directory was opened.
typealias Listings = SharedValues<InodeNumber, [DirectoryEntry]>

typealias DirectoryHandle = HandleBox<Listings.Holder>

/// All open files of a mount, by inode, and the listings of its open directories.
///
/// The kernel keeps one set of pages for an inode and uses it for all its handles. So a file that has changed upstream
/// is opened past the page cache while it has a handle of an earlier version. Otherwise the new bytes would reach that
/// handle, too.
final class OpenHandles: Sendable {
    private let table = Monitor<[InodeNumber: [ObjectIdentifier: OpenHandle]]>([:])
    private let listings = Listings()
    private let memory = HandleMemory()

    /// Adds a handle on `file`, which is kept until ``release(_:)``. Returns whether it must bypass the page cache.
    func add(_ file: any OpenFile, of inode: InodeNumber) -> (handle: UInt64, bypassesPageCache: Bool) {
        let open = OpenHandle(file, inode: inode)
        table.withLock { $0[inode, default: [:]][ObjectIdentifier(open)] = open }
        // The check comes after the handle is in the table, so that an open at the same time sees this handle.
        if !file.keepsPageCache, !file.bypassesPageCache, hasStale(inode) {
            open.bypassesPageCache.store(true, ordering: .relaxed)
        }
        memory.noteOpen()
        return (FileHandle(open).handle, open.bypassesPageCache.load(ordering: .relaxed))
    }

    /// Whether `inode` has a handle of an earlier version than the present one.
    private func hasStale(_ inode: InodeNumber) -> Bool {
        let handles = table.withLock { $0[inode].map { Array($0.values) } ?? [] }
        return handles.contains { !$0.file.isCurrent }
    }

    /// Removes `handle`, which the kernel has closed.
    func release(_ handle: UInt64) {
        if let open = FileHandle.borrow(handle)?.value {
            table.withLock { table in
                table[open.inode]?[ObjectIdentifier(open)] = nil
                if table[open.inode]?.isEmpty == true { table[open.inode] = nil }
            }
        }
        FileHandle.release(handle)
        memory.noteClose()
    }

    /// Adds a handle on the directory `inode`, whose listing stays what it is until ``releaseDirectory(_:)``.
    func addDirectory(_ listing: [DirectoryEntry], of inode: InodeNumber) -> UInt64 {
        memory.noteOpen()
        return DirectoryHandle(listings.share(listing, for: inode)).handle
    }

    /// Removes `handle`, which the kernel has closed.
    func releaseDirectory(_ handle: UInt64) {
        DirectoryHandle.release(handle)
        memory.noteClose()
    }
}
