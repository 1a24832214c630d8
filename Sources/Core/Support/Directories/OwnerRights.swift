internal import CPosix
import Glibc

/// The rights of a user in whose directory root works.
///
/// Files that another user has planted there can then do no more than that user can. A command gives up root's rights
/// for good. A mount keeps them for mount(2) and umount(2), and gives them up for file access alone (setfsuid). With
/// setfsuid, Linux also removes the capabilities that override permissions.
package struct OwnerRights: Sendable {
    /// The user.
    package let user: UInt32
    /// The user's own group, or the directory's group.
    private let group: UInt32
    /// The user's name in the password database, which determines the groups.
    private let name: String?

    /// The rights that root needs for the directory at `path`. When it is missing, the nearest existing directory above
    /// it counts, because `path` would be created there. Nil when this process is not root, or when the directory is
    /// root's.
    package init?(ownerOf path: String) {
        guard geteuid() == 0 else { return nil }
        var status = stat()
        var place = path
        while unsafe stat(place, &status) != 0 {
            guard let slash = place.lastIndex(of: "/"), place != "/" else { return nil }
            place = slash == place.startIndex ? "/" : String(place[..<slash])
        }
        guard status.st_uid != 0 else { return nil }
        user = status.st_uid
        let entry = unsafe getpwuid(status.st_uid)
        group = unsafe entry?.pointee.pw_gid ?? status.st_gid
        name = unsafe entry.flatMap { unsafe $0.pointee.pw_name.map { unsafe String(cString: $0) } }
    }

    /// Changes the whole process to these rights, for good.
    package func become() throws(Errno) { try check(unsafe posix_become(user, group, name)) }

    /// Changes the file access of this thread, and of each thread that it starts later. So call it before the first
    /// thread starts.
    package func takeForFiles() throws(Errno) { try check(unsafe posix_take_file_rights(user, group, name)) }

    /// Runs `body` with the process's own rights for file access, when this thread has those of a user. /dev/fuse and
    /// the mount point need it, because they belong to no user.
    package static func withOwn<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
        let taken = posix_file_user()
        guard taken != geteuid() else { return try body() }
        posix_set_file_user(geteuid())
        defer { posix_set_file_user(taken) }
        return try body()
    }

    private func check(_ code: Int32) throws(Errno) { if code != 0 { throw Errno(rawValue: -code) } }
}
