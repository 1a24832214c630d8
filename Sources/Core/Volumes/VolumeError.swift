package import Fetch
package import Morphology
package import Specimens

/// Why a specimen's data cannot be given.
package enum VolumeError: Error, Sendable {
    /// The source failed where no block was asked for: a list, or what it has of a specimen.
    case source(SourceError)
    /// A block could not be fetched.
    case fetch(FetchError)
    /// The source does not say a size, or says one that cannot be.
    case unusable(object: ObjectID, reason: String)
    /// The skeleton file is malformed.
    case skeleton(SWCError)
    /// The skeleton is well formed and cannot be drawn.
    case labels(LabelError)
    /// The skeleton does not lie in the frame of its stack.
    case misfit(reason: String)
    /// The upstream object is no longer the version that was opened.
    case changedUpstream(object: ObjectID)
    /// Not cached, and the source is not to be asked.
    case offline(what: String)
    /// The read was given up.
    case cancelled
    /// The mount ends.
    case shutDown
}

extension VolumeError {
    /// Sorts an error of a fetch into the cases that a caller tells apart.
    init(_ error: FetchError, object: ObjectID) {
        switch error {
        case .offline: self = .offline(what: "\(object)")
        case .changedUpstream: self = .changedUpstream(object: object)
        case .cancelled: self = .cancelled
        case .shutDown: self = .shutDown
        case .source, .invalidBlock: self = .fetch(error)
        }
    }
}

extension VolumeError {
    /// Sorts an error of the source into the cases that a caller tells apart.
    ///
    /// - Parameter what: what the source was asked for.
    package init(_ error: SourceError, what: String) {
        switch error.kind {
        case .outage: self = .offline(what: what)
        case .cancelled: self = .cancelled
        case .shutDown: self = .shutDown
        case .changed, .timedOut, .deadlineExceeded, .wrongLength, .passed, .unusable, .failed: self = .source(error)
        }
    }
}

extension VolumeError: CustomStringConvertible {
    /// One sentence for the log.
    package var description: String {
        switch self {
        case .source(let error): "\(error)"
        case .fetch(let error): "\(error)"
        case .unusable(let object, let reason): "\(object): \(reason)"
        case .skeleton(let error): "the skeleton is malformed: \(error)"
        case .labels(let error): "\(error)"
        case .misfit(let reason): "the skeleton does not fit its stack: \(reason)"
        case .changedUpstream(let object): "\(object) has changed upstream since it was opened: open it again"
        case .offline(let what): "\(what) is not cached, and the network is off or out of reach"
        case .cancelled: "the read was given up"
        case .shutDown: "the file system is being unmounted"
        }
    }
}
