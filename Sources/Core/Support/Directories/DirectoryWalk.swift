internal import CPosix
import Glibc

/// Follows the path of a directory that a user names, part by part, to know whose symbolic links it contains.
///
/// A link that another user has planted must not choose a directory for this process. A link is followed when it
/// belongs to root, to this user, or to the owner of the directory that it leads to.
enum DirectoryWalk {
    /// The most links that Linux follows in a path (path_resolution(7)).
    private static let mostLinks = 40

    /// Opens the directory at `path`. The caller closes the descriptor.
    static func open(_ path: String) throws(FileFault) -> (descriptor: Int32, owner: UInt32) {
        var place = try start(path)
        defer { close(place) }
        var rest = Array(path.split(separator: "/").reversed())
        var linkOwners: [UInt32] = []
        while let part = rest.popLast() {
            let next: Int32
            switch try step(place, String(part)) {
            case .directory(let descriptor): next = descriptor
            case .link(let target, let owner):
                linkOwners.append(owner)
                guard linkOwners.count <= mostLinks else { throw FileFault("", Errno(rawValue: ELOOP)) }
                rest += target.split(separator: "/").reversed()
                guard target.hasPrefix("/") else { continue }
                next = try start(target)
            }
            close(place)
            place = next
        }
        let descriptor = unsafe posix_openat_cloexec(place, ".", O_RDONLY | O_DIRECTORY, 0)
        guard descriptor >= 0 else { throw FileFault("", Errno(rawValue: -descriptor)) }
        do throws(FileFault) {
            let owner = try status(descriptor).user
            let trusted = [0, posix_file_user(), owner]
            if let other = linkOwners.first(where: { !trusted.contains($0) }) {
                throw FileFault("", .foreignLink(other))
            }
            return (descriptor, owner)
        } catch {
            close(descriptor)
            throw error
        }
    }

    private enum Step {
        case directory(Int32)
        case link(target: String, owner: UInt32)
    }

    private static func start(_ path: String) throws(FileFault) -> Int32 {
        try lookUp(AT_FDCWD, path.hasPrefix("/") ? "/" : ".", O_DIRECTORY)
    }

    /// `O_DIRECTORY` lets an automounter mount its file system. A link is opened without this flag.
    private static func step(_ place: Int32, _ part: String) throws(FileFault) -> Step {
        let directory = unsafe posix_openat_cloexec(place, part, posix_path_flag() | O_DIRECTORY | O_NOFOLLOW, 0)
        guard directory < 0 else { return .directory(directory) }
        guard directory == -ENOTDIR || directory == -ELOOP else { throw FileFault("", Errno(rawValue: -directory)) }
        let link = try lookUp(place, part, O_NOFOLLOW)
        defer { close(link) }
        let found = try status(link)
        guard found.isKind(S_IFLNK) else { throw FileFault("", Errno(rawValue: ENOTDIR)) }
        var text = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = unsafe readlinkat(link, "", &text, text.count)
        guard length >= 0 else { throw FileFault("", .current) }
        let target = String(decoding: text[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return .link(target: target, owner: found.user)
    }

    private static func lookUp(_ place: Int32, _ name: String, _ flags: Int32) throws(FileFault) -> Int32 {
        let descriptor = unsafe posix_openat_cloexec(place, name, posix_path_flag() | flags, 0)
        guard descriptor >= 0 else { throw FileFault("", Errno(rawValue: -descriptor)) }
        return descriptor
    }

    private static func status(_ descriptor: Int32) throws(FileFault) -> FileStatus {
        var buffer = stat()
        guard unsafe fstat(descriptor, &buffer) == 0 else { throw FileFault("", .current) }
        return FileStatus(buffer)
    }
}
