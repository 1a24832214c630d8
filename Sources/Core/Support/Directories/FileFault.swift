import Glibc

/// Why a file of a directory, or the directory itself, cannot be used.
package struct FileFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of fault.
    package enum Cause: Equatable, Sendable {
        /// The file system reports an error.
        case system(Errno)
        /// The name, or a directory on the way to it, is a symbolic link.
        case symbolicLink
        /// The name is a FIFO, a device, a socket or a directory.
        case notRegular
        /// The file has a second name (a hard link), so that a change would appear there, too.
        case hardLink
        /// The file belongs to this user: not the owner of the directory, and not the user of this process.
        case owner(UInt32)
        /// The directory belongs to this user, and the process has the rights of root.
        case directoryOwner(UInt32)
        /// A symbolic link of this user leads to a directory of another user.
        case foreignLink(UInt32)
    }

    /// The file, relative to the directory; empty for the directory itself.
    package let name: String
    /// The kind of the fault.
    package let cause: Cause

    /// A fault of `name`.
    package init(_ name: String, _ cause: Cause) {
        self.name = name
        self.cause = cause
    }

    /// An error of the file system at `name`.
    package init(_ name: String, _ reason: Errno) { self.init(name, .system(reason)) }

    /// Whether the file system reports an error, which may end by itself. Otherwise a person must remove the object in
    /// the way.
    package var isSystem: Bool { if case .system = cause { true } else { false } }

    /// Whether the kernel or the file system lacks what ``DirectoryHandle/openCached(_:)`` needs.
    package var isUnsupported: Bool {
        if case .system(let reason) = cause { [ENOSYS, EINVAL, EOPNOTSUPP].contains(reason.rawValue) } else { false }
    }

    /// Whether there is no such file.
    package var isMissing: Bool {
        if case .system(let reason) = cause { reason.rawValue == ENOENT || reason.rawValue == ENOTDIR } else { false }
    }

    /// What is wrong and what to do; a text that follows "cannot be used: ".
    package var description: String {
        switch cause {
        case .system(let reason): name.isEmpty ? "\(reason)" : "\(name): \(reason)"
        case .symbolicLink: "\(name) is a symbolic link or lies behind one; remove the link"
        case .notRegular: "\(name) is not a regular file; remove it"
        case .hardLink: "\(name) has another name (a hard link); remove it"
        case .owner(let user): "\(name) belongs to user \(user), not to the directory's owner; remove it"
        case .directoryOwner(let user): "it belongs to user \(user), and root works there with that user's rights only"
        case .foreignLink(let user): "a symbolic link of user \(user) leads to it; name the directory itself"
        }
    }
}
