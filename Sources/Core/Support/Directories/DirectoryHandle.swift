internal import CPosix
import Glibc

/// An open directory, whose files are opened by name and never through a link that another user has planted.
///
/// A name is a path below the directory, such as `blocks-V1/ab/cdef`, without `..`. No symbolic link in it is followed.
/// A file is opened without blocking, so that a FIFO delays nothing. The file must be regular, have one name, and
/// belong to the owner of the directory or to the user of this process. Before this check nothing in the file is read
/// or changed.
///
/// A process with the rights of root opens only root's own directories; for those of other users see ``OwnerRights``.
package final class DirectoryHandle: Sendable {
    /// The path by which the directory was opened.
    package let path: String
    /// The user that the directory belongs to.
    package let owner: UInt32
    private let descriptor: Int32
    /// Whether the kernel resolves a whole name without following links (openat2).
    private let walksAtOnce: Bool

    /// Opens the directory at `path`. Its path may lead through symbolic links that belong to root, to this process's
    /// user or to the directory's owner.
    package convenience init(_ path: String) throws(FileFault) {
        try self.init(path, walksAtOnce: Self.kernelWalks)
    }

    init(_ path: String, walksAtOnce: Bool) throws(FileFault) {
        self.path = path
        self.walksAtOnce = walksAtOnce
        let found = try DirectoryWalk.open(path)
        descriptor = found.descriptor
        owner = found.owner
        if posix_file_user() == 0, owner != 0 { throw FileFault("", .directoryOwner(owner)) }
    }

    /// Opens the directory at `path`. Creates it, for its owner alone, when it does not exist and its parent does.
    package convenience init(making path: String) throws(FileFault) {
        let isMade = unsafe mkdir(path, 0o700) == 0
        let reason = Errno.current
        do throws(FileFault) {
            try self.init(path)
        } catch {
            // The reason why the directory does not exist: the parent is missing or refuses it. EEXIST is a link to
            // nothing.
            throw !isMade && error.isMissing && reason.rawValue != EEXIST ? FileFault("", reason) : error
        }
    }

    deinit { close(descriptor) }

    /// Whether the kernel has openat2 (Linux 5.6) and the container's filter allows it.
    private static let kernelWalks: Bool = {
        let probe = unsafe posix_open_beneath(AT_FDCWD, ".", posix_path_flag(), 0)
        guard probe >= 0 else { return probe != -ENOSYS && probe != -EPERM }
        close(probe)
        return true
    }()

    // MARK: - Files

    /// Opens the file `name` with `O_CLOEXEC`. `O_TRUNC` takes effect once the file has been checked.
    package func open(_ name: String, _ flags: Int32, mode: UInt32 = 0o600) throws(FileFault) -> CheckedFile {
        let descriptor = try rawOpen(name, flags & ~O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode)
        let file = try CheckedFile(descriptor, name: name)
        try check(file.opened, name)
        if flags & O_TRUNC != 0 { try file.truncate() }
        return file
    }

    /// Opens the file `name` for reads that never wait for a device: opening and reading fail with EAGAIN unless memory has
    /// all they need. The file is checked as ``open(_:_:mode:)`` does. Fails with an ``FileFault/isUnsupported`` reason where
    /// kernel or file system cannot.
    package func openCached(_ name: String) throws(FileFault) -> CheckedFile {
        guard walksAtOnce else { throw FileFault(name, Errno(rawValue: ENOSYS)) }
        let descriptor = try checked(unsafe posix_open_cached(descriptor, name), name)
        let file = try CheckedFile(descriptor, name: name, readsCached: true)
        try check(file.opened, name)
        return file
    }

    /// The status of `name` itself, whatever it is.
    package func status(_ name: String) throws(FileFault) -> FileStatus {
        try inParent(of: name) { parent, last throws(FileFault) in
            var buffer = stat()
            guard unsafe fstatat(parent, last, &buffer, AT_SYMLINK_NOFOLLOW) == 0 else {
                throw FileFault(name, .current)
            }
            return FileStatus(buffer)
        }
    }

    /// Checks whether ``open(_:_:mode:)`` would accept `name`, for a library that opens it by its path. A missing file
    /// passes.
    package func check(_ name: String) throws(FileFault) {
        do throws(FileFault) {
            try check(try status(name), name)
        } catch {
            if !error.isMissing { throw error }
        }
    }

    private func check(_ status: FileStatus, _ name: String) throws(FileFault) {
        if status.isKind(S_IFLNK) { throw FileFault(name, .symbolicLink) }
        guard status.isKind(S_IFREG) else {
            throw FileFault(name, status.isKind(S_IFDIR) ? .system(Errno(rawValue: EISDIR)) : .notRegular)
        }
        // A count of 0 means that the file was removed after it was opened.
        guard status.names <= 1 else { throw FileFault(name, .hardLink) }
        guard status.user == owner || status.user == posix_file_user() else {
            throw FileFault(name, .owner(status.user))
        }
    }

    /// Removes the file `name`, or a link of that name and not its target. Returns whether it existed.
    @discardableResult
    package func remove(_ name: String) throws(FileFault) -> Bool {
        do throws(FileFault) {
            try inParent(of: name) { parent, last throws(FileFault) in
                guard unsafe unlinkat(parent, last, 0) == 0 else { throw FileFault(name, .current) }
            }
            return true
        } catch {
            guard error.isMissing else { throw error }
            return false
        }
    }

    /// Renames `name` to the last part of `newName`, in the same subdirectory, and replaces an existing file. Of a
    /// link, it renames the link.
    package func rename(_ name: String, to newName: String) throws(FileFault) {
        try inParent(of: name) { parent, last throws(FileFault) in
            guard unsafe renameat(parent, last, parent, Self.split(newName).last) == 0 else {
                throw FileFault(newName, .current)
            }
        }
    }

    // MARK: - Directories

    /// Creates the directory `name`, for its owner alone. An existing directory keeps its mode.
    package func makeDirectory(_ name: String) throws(FileFault) {
        try inParent(of: name) { parent, last throws(FileFault) in
            guard unsafe mkdirat(parent, last, 0o700) != 0 else { return }
            let reason = Errno.current
            guard reason.rawValue == EEXIST else { throw FileFault(name, reason) }
        }
    }

    /// The names in the directory `name`, or in this one, without `.` and `..`. A missing directory has none.
    package func names(in name: String = ".") throws(FileFault) -> [String] {
        let descriptor: Int32
        do throws(FileFault) {
            descriptor = try rawOpen(name, O_RDONLY | O_DIRECTORY, 0)
        } catch {
            guard case .system(let reason) = error.cause, reason.rawValue == ENOENT else { throw error }
            return []
        }
        do throws(Errno) {
            return try namesOfDirectory(descriptor).map { String(decoding: $0, as: UTF8.self) }
        } catch {
            throw FileFault(name, error)
        }
    }

    /// Flushes the names, so that a file renamed here survives a loss of power. Does nothing on file systems that
    /// cannot flush names.
    package func flushNames() throws(FileFault) {
        guard fsync(descriptor) != 0 else { return }
        let reason = Errno.current
        if reason.rawValue != EINVAL, reason.rawValue != EOPNOTSUPP { throw FileFault("", reason) }
    }

    // MARK: - Resolving a name

    private static func split(_ name: String) -> (parent: String, last: String) {
        guard let slash = name.lastIndex(of: "/") else { return (".", name) }
        return (String(name[..<slash]), String(name[name.index(after: slash)...]))
    }

    /// Runs `body` with the directory that contains `name`, and the last part of `name`. Some calls have no flag
    /// against following links, so they get a single name.
    private func inParent<R>(
        of name: String, _ body: (_ parent: Int32, _ last: String) throws(FileFault) -> R
    ) throws(FileFault) -> R {
        let (parent, last) = Self.split(name)
        guard parent != "." else { return try body(descriptor, last) }
        let opened = try rawOpen(parent, posix_path_flag() | O_DIRECTORY, 0)
        defer { close(opened) }
        return try body(opened, last)
    }

    /// Opens `name`, of whatever kind it is, but not a link. The caller closes the descriptor.
    private func rawOpen(_ name: String, _ flags: Int32, _ mode: UInt32) throws(FileFault) -> Int32 {
        try checked(
            walksAtOnce ? unsafe posix_open_beneath(descriptor, name, flags, mode) : walk(name, flags, mode), name)
    }

    /// The descriptor that opening `name` gave, or the reason why there is none.
    private func checked(_ result: Int32, _ name: String) throws(FileFault) -> Int32 {
        guard result < 0 else { return result }
        switch -result {
        case ELOOP: throw FileFault(name, .symbolicLink)
        // A FIFO without a reader, opened for writing, or a socket.
        case ENXIO: throw FileFault(name, .notRegular)
        default: throw FileFault(name, Errno(rawValue: -result))
        }
    }

    /// Does the work of openat2, one part of the name after another.
    private func walk(_ name: String, _ flags: Int32, _ mode: UInt32) -> Int32 {
        let parts = name.split(separator: "/")
        var place = descriptor
        defer { if place != descriptor { close(place) } }
        for (number, part) in parts.enumerated() {
            let isLast = number == parts.count - 1
            let wanted = (isLast ? flags : posix_path_flag() | O_DIRECTORY) | O_NOFOLLOW
            let next = unsafe posix_openat_cloexec(place, String(part), wanted, mode)
            guard next >= 0 else { return next == -ENOTDIR && isLink(String(part), in: place) ? -ELOOP : next }
            if isLast { return next }
            if place != descriptor { close(place) }
            place = next
        }
        return -ENOENT
    }

    /// Called for a name that is no directory: the kernel reports the same error for a link and for a file.
    private func isLink(_ name: String, in place: Int32) -> Bool {
        var buffer = stat()
        return unsafe fstatat(place, name, &buffer, AT_SYMLINK_NOFOLLOW) == 0 && FileStatus(buffer).isKind(S_IFLNK)
    }
}

/// The names in the directory behind `descriptor`, without `.` and `..`, as bytes: a name need not be UTF-8. Closes the
/// descriptor.
package func namesOfDirectory(_ descriptor: Int32) throws(Errno) -> [[UInt8]] {
    guard let stream = unsafe fdopendir(descriptor) else {
        let reason = Errno.current
        close(descriptor)
        throw reason
    }
    defer { unsafe closedir(stream) }
    var names: [[UInt8]] = []
    while true {
        errno = 0
        guard let entry = unsafe readdir(stream) else { break }
        let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe Array($0.prefix { $0 != 0 }) }
        if name != Array(".".utf8), name != Array("..".utf8) { names.append(name) }
    }
    if errno != 0 { throw Errno.current }
    return names
}
