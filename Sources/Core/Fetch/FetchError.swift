package import Specimens
internal import Support

/// Why a block could not be had.
package enum FetchError: Error, Sendable {
    /// The source failed.
    case source(SourceError)
    /// The block is not in the store, and the source is not to be asked.
    case offline(Outage)
    /// The source has another version of the object than the expected one. Nothing was stored.
    case changedUpstream(id: ObjectID, old: String, new: String)
    /// The bytes were wrong twice in a row.
    case invalidBlock(reason: String)
    /// The reader's token was cancelled.
    case cancelled
    /// The fetcher was shut down.
    case shutDown

    /// Sorts an error of the source into the cases that a caller tells apart.
    init(_ error: SourceError, of id: ObjectID, expected: String?) {
        switch error.kind {
        case .outage(let outage): self = .offline(outage)
        case .changed(let new):
            self = .changedUpstream(id: id, old: expected ?? "", new: new ?? "")
        case .cancelled: self = .cancelled
        case .shutDown: self = .shutDown
        case .timedOut, .deadlineExceeded, .wrongLength, .passed, .unusable, .failed: self = .source(error)
        }
    }
}

extension FetchError: CustomStringConvertible {
    var isShutDown: Bool { if case .shutDown = self { true } else { false } }

    /// One sentence for a person.
    package var description: String {
        switch self {
        case .source(let error): "\(error)"
        case .offline(let outage): "not in the cache, and \(outage)"
        case .changedUpstream(let id, let old, let new):
            "object \(id) has changed upstream: version \"\(OutsideText.cut(new))\", not \"\(OutsideText.cut(old))\""
        case .invalidBlock(let reason): "the source sent wrong bytes twice: \(reason)"
        case .cancelled: "the read was given up"
        case .shutDown: "the file system is being unmounted"
        }
    }
}
