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

extension SpecimenDataError {
    /// Sorts a fetch error into the cases that a caller tells apart.
    init(_ error: FetchError, object: String) {
        switch error {
        case .offline: self = .offline(object: object)
        case .changedUpstream: self = .changedUpstream(object: object)
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
