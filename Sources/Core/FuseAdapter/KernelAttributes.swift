internal import CFuse
internal import FileTree
internal import Glibc

/// The owner of the files, and how long the kernel may keep names and attributes.
struct Presentation: Sendable {
    var uid: UInt32
    var gid: UInt32
    /// Seconds for which a name or an attribute stays valid without another request. Bytes and sizes of an inode do not
    /// change within a catalogue version, and the kernel is notified of a change.
    var timeout: Double

    /// The `stat` of `attributes`: readable by every user, never writable, directories searchable.
    func stat(_ attributes: FileAttributes) -> stat {
        var result = CFuse.stat()
        result.st_ino = UInt(attributes.inode.rawValue)
        switch attributes.kind {
        case .directory: result.st_mode = S_IFDIR | 0o555
        case .file: result.st_mode = S_IFREG | 0o444
        case .link: result.st_mode = S_IFLNK | 0o777
        }
        result.st_nlink = UInt(attributes.linkCount)
        result.st_uid = uid
        result.st_gid = gid
        result.st_size = attributes.size
        // One page: Python and C programs read this much to look at a header, and pixels follow the header.
        result.st_blksize = 4096
        result.st_blocks = attributes.size / 512 + (attributes.size % 512 == 0 ? 0 : 1)
        let seconds = attributes.modified.rounded(.down)
        var time = timespec()
        // A damaged catalogue may contain any number.
        if let whole = Int(exactly: seconds) {
            time = timespec(tv_sec: whole, tv_nsec: Int((attributes.modified - seconds) * 1e9))
        }
        result.st_mtim = time
        result.st_ctim = time
        result.st_atim = time
        return result
    }

    /// The reply to a lookup. The kernel asks for provisional attributes again at each use.
    func entry(_ attributes: FileAttributes) -> fuse_entry_param {
        var entry = fuse_entry_param()
        entry.ino = attributes.inode.rawValue
        entry.attr = stat(attributes)
        entry.attr_timeout = timeout(of: attributes)
        entry.entry_timeout = entry.attr_timeout
        return entry
    }

    /// Seconds for which the kernel may keep `attributes`.
    func timeout(of attributes: FileAttributes) -> Double { attributes.isProvisional ? 0 : timeout }

    /// A name in a listing. One that is not resolved the kernel has to look up before it can use it (inode 0 in a readdirplus
    /// reply): only the type and the number are told, which is all that `ls` and `find` without tests ask for.
    func entry(of child: DirectoryEntry, isResolved: Bool) -> fuse_entry_param {
        if isResolved, let attributes = child.attributes { return entry(attributes) }
        var result = entry(FileAttributes(inode: child.inode, kind: child.kind, size: 0, modified: 0))
        result.ino = 0
        return result
    }

    /// The reply that the name does not exist, which the kernel remembers.
    func absent() -> fuse_entry_param {
        var entry = fuse_entry_param()
        entry.entry_timeout = timeout
        return entry
    }
}
