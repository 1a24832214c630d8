package import Support

/// What a file system adapter (FUSE, a test) needs of the tree: the whole file system without the kernel.
///
/// Every call answers exactly once, either before it returns (all that is needed is in memory) or later from another
/// thread. No call waits for the network or for another thread. The token carries the reader's interrupt downwards.
package protocol FileService: AnyObject, Sendable {
    /// The child called `name` of the directory `parent`. The name "." is that of `parent` itself, which may be a file then, and
    /// ".." that of the directory above: the kernel looks both up for a file handle whose inode it does not know any more.
    ///
    /// Answers before it returns, without the source, wherever the name fixes the type: attributes that are not known yet
    /// are provisional (``FileAttributes/isProvisional``). Only inside a Zarr store whose geometry is not in memory does it
    /// answer later. The kernel holds a lock of the directory meanwhile, on which other processes wait that not even
    /// `SIGKILL` ends.
    func lookup(
        _ name: String, in parent: InodeNumber, token: CancellationToken,
        completion: @escaping @Sendable (Result<FileAttributes, FileTreeError>) -> Void)

    /// The attributes of `inode`.
    func attributes(
        of inode: InodeNumber, token: CancellationToken,
        completion: @escaping @Sendable (Result<FileAttributes, FileTreeError>) -> Void)

    /// The attributes of an open file, as far as they are known without the source; provisional elsewhere. Nil for what is no
    /// file.
    ///
    /// The kernel asks for them with the lock of the inode held (`lseek(2)` to the end), on which other processes wait that not
    /// even `SIGKILL` ends.
    func attributes(ofOpen inode: InodeNumber) -> FileAttributes?

    /// The children of a directory, in a fixed order, without `.` and `..`.
    func children(
        of directory: InodeNumber, token: CancellationToken,
        completion: @escaping @Sendable (Result<[DirectoryEntry], FileTreeError>) -> Void)

    /// Counts one reply that tells the kernel of `entry` with its attributes (READDIRPLUS). Called before the reply. A successful
    /// ``lookup(_:in:token:completion:)`` counts by itself, before its completion is called.
    ///
    /// - Returns: false when the entry must go without its attributes, because another name has its number. The lookup that
    ///   follows fails with ``FileTreeError/numberTaken(by:)``.
    func countLookup(of entry: DirectoryEntry) -> Bool

    /// The kernel does not hold `count` of the replies with `inode` any more that were counted (FORGET), or was never sent them.
    /// Once all are taken back, the number of a hashed name means nothing until it is looked up again. Never waits.
    func forget(_ inode: InodeNumber, count: UInt64)

    /// Opens a file for reading. The handle sees one version of the bytes.
    func open(
        _ inode: InodeNumber, token: CancellationToken,
        completion: @escaping @Sendable (Result<any OpenFile, FileTreeError>) -> Void)

    /// The target of a symbolic link.
    func readLink(_ inode: InodeNumber) throws(FileTreeError) -> String

    /// The names of the extended attributes of `inode`.
    func extendedAttributeNames(
        of inode: InodeNumber, token: CancellationToken,
        completion: @escaping @Sendable (Result<[String], FileTreeError>) -> Void)

    /// The value of the extended attribute `name` of `inode`.
    func extendedAttribute(
        _ name: String, of inode: InodeNumber, token: CancellationToken,
        completion: @escaping @Sendable (Result<[UInt8], FileTreeError>) -> Void)

    /// The path of `inode` below the mount point, for people who read the log; nil when that is not known without asking.
    /// Of the names of a file it is the one in its specimen's own folder.
    func path(of inode: InodeNumber) -> String?
}

/// One open file.
package protocol OpenFile: AnyObject, Sendable {
    /// Hands the bytes `[offset, offset + count)`, shortened at the end of the file, to `receiver`, once.
    ///
    /// - Parameters:
    ///   - offset: bytes from the start of the file; beyond the end gives no bytes.
    ///   - count: bytes wanted.
    ///   - isDirect: whether the process reads past the page cache (`O_DIRECT`), so that an answer reaches it as it is.
    func read(offset: Int, count: Int, isDirect: Bool, token: CancellationToken, receiver: any ReadReceiver)

    /// Counts the blocks the file is read from, and those that the cache's directory does not hold now. Answers once, from
    /// any thread.
    ///
    /// - Parameter forgets: whether memory lets go of those that are missing, so that whoever reads them next fetches them
    ///   for the disk.
    func countBlocks(
        forgets: Bool, token: CancellationToken,
        completion: @escaping @Sendable (Result<BlockCount, FileTreeError>) -> Void)

    /// Whether the version opened is still the present one.
    var isCurrent: Bool { get }

    /// Whether the kernel may keep the pages it has from an earlier open: true as long as the bytes of the inode are
    /// those of the version opened before.
    var keepsPageCache: Bool { get }

    /// Whether reads must bypass the page cache (files whose size is not known before they are read).
    var bypassesPageCache: Bool { get }
}

extension OpenFile {
    /// True: what is made here does not change.
    package var isCurrent: Bool { true }

    /// None: what is made here has no blocks.
    package func countBlocks(
        forgets: Bool, token: CancellationToken,
        completion: @escaping @Sendable (Result<BlockCount, FileTreeError>) -> Void
    ) {
        completion(.success(BlockCount()))
    }
}

/// Takes the answer to a read, from any thread, exactly once.
package protocol ReadReceiver: AnyObject, Sendable {
    /// The bytes asked for; borrowed for the call.
    func deliver(_ bytes: RawSpan)
    /// The read failed.
    func fail(_ error: FileTreeError)
}

extension ReadReceiver {
    /// The part `range` of `bytes`.
    func deliver(_ bytes: [UInt8], _ range: Range<Int>) {
        unsafe bytes.withUnsafeBytes { buffer in
            unsafe deliver(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[range])))
        }
    }
}

/// What kind of file an inode is.
package enum FileKind: Sendable {
    /// A directory.
    case directory
    /// A regular file.
    case file
    /// A symbolic link.
    case link
}

/// What `stat(2)` tells of a file, without what belongs to the mount (owner, permissions).
package struct FileAttributes: Equatable, Sendable {
    /// The inode number.
    package var inode: InodeNumber
    /// Directory, file or link.
    package var kind: FileKind
    /// Size in bytes; true before any byte is read, unless the attributes are provisional.
    package var size: Int
    /// Hard links: how many names a file has, or for a directory 2 and one for each subdirectory.
    package var linkCount: Int
    /// Modification time, seconds since 1970.
    package var modified: Double
    /// Whether only number and type are certain. The size is the one told last, 0 before any was told, and the file may turn
    /// out to be absent. The kernel asks for the attributes before it relies on them.
    package var isProvisional: Bool

    /// Attributes with every field given.
    package init(
        inode: InodeNumber, kind: FileKind, size: Int, linkCount: Int = 1, modified: Double, isProvisional: Bool = false
    ) {
        self.inode = inode
        self.kind = kind
        self.size = size
        self.linkCount = linkCount
        self.modified = modified
        self.isProvisional = isProvisional
    }
}

/// One name in a directory.
package struct DirectoryEntry: Equatable, Sendable {
    /// The file name.
    package var name: String
    /// The inode number.
    package var inode: InodeNumber
    /// Directory, file or link.
    package var kind: FileKind
    /// Attributes where they are known without a request to the source; else the kernel looks the name up when asked.
    package var attributes: FileAttributes?
    /// What the number is a hash of; nil for a computed number.
    let hashed: NodeTable.Name?
}
