public import Catalogue
public import Fetch
public import ImageCodec
public import Morphology
public import Transport

/// Why a specimen's data cannot be given.
public enum SpecimenDataError: Error, Sendable {
    /// No such specimen in the catalogue, or it has no such file.
    case absent
    /// The catalogue could not be read, parsed or written.
    case catalogue(CatalogueError)
    /// A metadata request failed.
    case transport(TransportError)
    /// A block could not be fetched.
    case fetch(FetchError)
    /// The origin does not tell a size, or tells one that cannot be.
    case unusableReply(url: String, reason: String)
    /// The skeleton file is malformed.
    case skeleton(SWCError)
    /// The skeleton is well formed and cannot be drawn.
    case labels(LabelError)
    /// The skeleton does not lie in the frame of its stack.
    case misfit(reason: String)
    /// A picture that the origin sent could not be decoded.
    case image(ImageCodecError)
    /// The upstream object is no longer the version that was opened.
    case changedUpstream(object: String)
    /// Offline, and not cached.
    case offline(object: String)
    /// Nobody waits for the result any more.
    case cancelled
    /// The mount ends.
    case shutDown
}

extension FetchError {
    /// Whether the upstream object is another version than the one asked for.
    var isChange: Bool {
        switch self {
        case .changedUpstream, .transport(.changed): true
        default: false
        }
    }

    /// Whether the reply was longer or shorter than the file is known to be. A server without ranges has no better way to
    /// tell that the file has changed.
    var isAtOddsWithLength: Bool {
        switch self {
        case .transport(.wrongLength), .transport(.tooLarge), .invalidBlock: true
        default: false
        }
    }
}

extension SpecimenDataError {
    /// Sorts a fetch error into the cases that a caller tells apart.
    init(_ error: FetchError, object: String) {
        switch error {
        case .offline: self = .offline(object: object)
        case .changedUpstream, .transport(.changed): self = .changedUpstream(object: object)
        case .cancelled: self = .cancelled
        case .shutDown: self = .shutDown
        default: self = .fetch(error)
        }
    }

    /// Sorts a transport error into the cases that a caller tells apart.
    init(_ error: TransportError) {
        switch error {
        case .cancelled: self = .cancelled
        case .shutDown: self = .shutDown
        default: self = .transport(error)
        }
    }
}

extension SpecimenDataError: CustomStringConvertible {
    /// One sentence for the log.
    public var description: String {
        switch self {
        case .absent: "the database has no such cell or file"
        case .catalogue(let error): "\(error)"
        case .transport(let error): "\(error)"
        case .fetch(let error): "\(error)"
        case .unusableReply(let url, let reason): "\(url): \(reason)"
        case .skeleton(let error): "the skeleton is malformed: \(error)"
        case .labels(let error): "\(error)"
        case .misfit(let reason): "the skeleton does not fit its stack: \(reason)"
        case .image(let error): "\(error)"
        case .changedUpstream(let object): "\(object) has changed upstream since it was opened: open it again"
        case .offline(let object): "\(object) is not cached, and the network is off or out of reach"
        case .cancelled: "nobody waits any more"
        case .shutDown: "the file system is being unmounted"
        }
    }
}
