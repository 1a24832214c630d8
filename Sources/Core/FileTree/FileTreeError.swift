internal import Fetch
internal import Glibc
public import SpecimenData
internal import Specimens
public import Support
internal import Transport

/// Why an operation on the tree failed.
public enum FileTreeError: Error, Sendable {
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
    case unasked
    /// The data could not be had.
    case data(SpecimenDataError)
}

extension FileTreeError {
    /// The error number of this error: the one place where it is chosen. `docs/SEMANTICS.md` shows it as a table.
    public var errno: Errno {
        switch self {
        case .notFound: Errno(rawValue: ENOENT)
        case .notDirectory: Errno(rawValue: ENOTDIR)
        case .isDirectory: Errno(rawValue: EISDIR)
        case .notLink: Errno(rawValue: EINVAL)
        case .noAttribute: Errno(rawValue: ENODATA)
        case .stale: Errno(rawValue: ESTALE)
        // Never reaches a process: the kernel reads again (see ReadPattern).
        case .unasked: Errno(rawValue: EAGAIN)
        case .data(let error): error.errno
        }
    }
}

extension FileTreeError: CustomStringConvertible {
    /// One sentence for the log.
    public var description: String {
        switch self {
        case .data(let error): "\(error)"
        case .stale: "the file has changed upstream since it was opened: open it again"
        default: "\(errno)"
        }
    }

    /// Whether a person should find this error in the log: not what programs probe for all day, nor an interrupt.
    public var isWorthLogging: Bool {
        switch self {
        case .notFound, .notDirectory, .isDirectory, .notLink, .noAttribute, .unasked: false
        case .data(.cancelled), .data(.absent), .data(.shutDown): false
        case .stale, .data: true
        }
    }
}

extension SpecimenDataError {
    fileprivate var errno: Errno {
        switch self {
        case .absent: Errno(rawValue: ENOENT)
        // The file is there and its bytes are served; what cannot be made from it is an input/output error.
        case .skeleton, .labels, .misfit, .image, .catalogue, .unusableReply: Errno(rawValue: EIO)
        case .changedUpstream: Errno(rawValue: ESTALE)
        // Distinct from EIO, so that a script can tell "not here" from "broken": "Network is down".
        case .offline: Errno(rawValue: ENETDOWN)
        case .cancelled: Errno(rawValue: EINTR)
        case .shutDown: Errno(rawValue: ENOTCONN)
        case .transport(let error): error.errno
        case .fetch(.transport(let error)): error.errno
        case .fetch: Errno(rawValue: EIO)
        }
    }
}

extension TransportError {
    /// A wait that ended is told apart from a refusal: a script may try again.
    fileprivate var errno: Errno {
        switch kind {
        case .noReply, .stalled, .deadlineExceeded: Errno(rawValue: ETIMEDOUT)
        case .cancelled: Errno(rawValue: EINTR)
        case .shutDown: Errno(rawValue: ENOTCONN)
        case .changed: Errno(rawValue: ESTALE)
        // The origin knows no such file although the catalogue names it: that cannot be told apart from a fault of its.
        default: Errno(rawValue: EIO)
        }
    }
}
