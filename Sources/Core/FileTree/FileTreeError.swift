internal import Fetch
internal import Glibc
internal import Specimens
package import Support
package import Volumes

/// Why an operation on the tree failed.
package enum FileTreeError: Error, Sendable {
    /// No such name or inode.
    case notFound
    /// A directory was needed.
    case notDirectory
    /// A file was needed.
    case isDirectory
    /// `readlink` on what is no link.
    case notLink
    /// No such extended attribute.
    case noAttribute
    /// The bytes behind an open handle are gone: the upstream file changed and the old version is not cached.
    case stale
    /// A read that nobody has asked for yet, which the kernel is to repeat page by page where a reader needs it.
    case speculative
    /// The inode number of the name, a hash of its path, is that of the path `by`, which is in use.
    case numberTaken(by: String)
    /// The data could not be had.
    case data(VolumeError)
}

extension FileTreeError {
    /// The error number of this error: the one place where it is chosen. `docs/SEMANTICS.md` shows it as a table.
    package var errno: Errno {
        switch self {
        case .notFound: Errno(rawValue: ENOENT)
        case .notDirectory: Errno(rawValue: ENOTDIR)
        case .isDirectory: Errno(rawValue: EISDIR)
        case .notLink: Errno(rawValue: EINVAL)
        case .noAttribute: Errno(rawValue: ENODATA)
        case .stale: Errno(rawValue: ESTALE)
        // Never reaches a process: the kernel reads again (see ReadPattern).
        case .speculative: Errno(rawValue: EAGAIN)
        case .numberTaken: Errno(rawValue: EIO)
        case .data(let error): error.errno
        }
    }
}

extension FileTreeError: CustomStringConvertible {
    /// One sentence for the log.
    package var description: String {
        switch self {
        case .data(let error): "\(error)"
        case .stale: "the file has changed upstream since it was opened: open it again"
        case .numberTaken(let path):
            "this name has the same inode number as \(path), which is in use: try again when no program uses that path"
        case .notFound, .notDirectory, .isDirectory, .notLink, .noAttribute, .speculative: "\(errno)"
        }
    }

    /// Whether a person should find this error in the log: not what programs probe for all day, nor an interrupt.
    package var isWorthLogging: Bool {
        switch self {
        case .notFound, .notDirectory, .isDirectory, .notLink, .noAttribute, .speculative: false
        case .data(.cancelled), .data(.shutDown): false
        case .stale, .numberTaken, .data: true
        }
    }

    /// Whether the log has the fault already, once for all requests that meet it.
    package var isLogged: Bool {
        switch self {
        case .data(.source(let error)), .data(.fetch(.source(let error))): error.isLogged
        default: false
        }
    }
}

extension VolumeError {
    fileprivate var errno: Errno {
        switch self {
        // The file is there and its bytes are served; what cannot be made from it is an input/output error.
        case .skeleton, .labels, .misfit, .unusable: Errno(rawValue: EIO)
        case .changedUpstream: Errno(rawValue: ESTALE)
        // Distinct from EIO, so that a script can tell "not here" from "broken": "Network is down".
        case .offline: Errno(rawValue: ENETDOWN)
        case .cancelled: Errno(rawValue: EINTR)
        case .shutDown: Errno(rawValue: ENOTCONN)
        case .source(let error), .fetch(.source(let error)): error.errno
        case .fetch: Errno(rawValue: EIO)
        }
    }
}

extension SourceError {
    /// A wait that ended is told apart from a refusal: a script may try again.
    fileprivate var errno: Errno {
        switch kind {
        case .timedOut, .deadlineExceeded: Errno(rawValue: ETIMEDOUT)
        case .cancelled: Errno(rawValue: EINTR)
        case .shutDown: Errno(rawValue: ENOTCONN)
        case .changed: Errno(rawValue: ESTALE)
        case .outage: Errno(rawValue: ENETDOWN)
        // A source that has no such file although its list names the file is as good as broken.
        case .wrongLength, .passed, .unusable, .failed: Errno(rawValue: EIO)
        }
    }
}
