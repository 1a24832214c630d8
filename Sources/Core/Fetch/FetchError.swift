import Support
public import Transport

/// Why a block could not be had.
public enum FetchError: Error, Sendable {
    /// The request failed.
    case transport(TransportError)
    /// The block is not in the cache, and the network is not to be used or known to be gone.
    case offline(OfflineReason)
    /// The upstream has another version of the object than the caller believes in. Nothing was stored.
    case changedUpstream(id: String, old: String, new: String)
    /// The bytes were wrong twice in a row.
    case invalidBlock(reason: String)
    /// The reader's token was cancelled.
    case cancelled
    /// The fetcher was shut down.
    case shutDown
}

/// Why the network is not asked.
public enum OfflineReason: Equatable, Sendable {
    /// Offline mode is on.
    case switchedOff
    /// Several requests in a row could not reach `host`; a probe in the background finds out when it is back.
    case unreachable(host: String, cause: String)
}

extension FetchError: CustomStringConvertible {
    var isShutDown: Bool { if case .shutDown = self { true } else { false } }

    /// One sentence for a person.
    public var description: String {
        switch self {
        case .transport(let error): "\(error)"
        case .offline(.switchedOff): "not in the cache, and offline mode is on"
        case .offline(.unreachable(let host, let cause)): "not in the cache, and host \(host) is out of reach: \(cause)"
        case .changedUpstream(let id, let old, let new):
            "object \(id) has changed upstream: version \"\(OutsideText.cut(new))\", not \"\(OutsideText.cut(old))\""
        case .invalidBlock(let reason): "the source sent wrong bytes twice: \(reason)"
        case .cancelled: "nobody waits any more"
        case .shutDown: "the file system is being unmounted"
        }
    }
}
