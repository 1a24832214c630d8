internal import Support

/// Why a source could not give what it was asked for.
package struct SourceError: Error, Sendable, CustomStringConvertible {
    /// What a caller tells apart.
    package enum Kind: Equatable, Sendable {
        /// The source is not to be asked now.
        case outage(Outage)
        /// The source has another version than the expected one; its tag or date, where it gave one.
        case changed(String?)
        /// No reply came, or it stopped coming.
        case timedOut
        /// The deadline of the request has passed.
        case deadlineExceeded
        /// More or fewer bytes came than the object is known to have.
        case wrongLength
        /// The source sends the whole file, the extent went by, and the store may have it by now.
        case passed
        /// The source gave something that cannot be used: a length that cannot be, a list of another form.
        case unusable
        /// The request was cancelled.
        case cancelled
        /// The mount ends.
        case shutDown
        /// Everything else: the source cannot be reached, refuses, or breaks off.
        case failed
    }

    /// What a caller tells apart.
    package let kind: Kind
    /// What went wrong, as one sentence for the log.
    package let description: String
    /// The error of the layer below; nil where the source found it by itself.
    package let cause: (any Error)?
    /// Whether the source has logged the fault, once for all reads that meet it.
    package let isLogged: Bool

    /// An error.
    package init(_ kind: Kind, _ description: String, cause: (any Error)? = nil, isLogged: Bool = false) {
        self.kind = kind
        self.description = description
        self.cause = cause
        self.isLogged = isLogged
    }

    /// The request was cancelled.
    package static let cancelled = SourceError(.cancelled, "the read was given up")
    /// The mount ends.
    package static let shutDown = SourceError(.shutDown, "the file system is being unmounted")
}

/// Why a source is not asked.
package enum Outage: Equatable, Sendable, CustomStringConvertible {
    /// Offline mode is on.
    case switchedOff
    /// Several requests in a row could not reach `host`. The source finds out by itself when it is back.
    case unreachable(host: String, cause: String)

    /// A clause for a person.
    package var description: String {
        switch self {
        case .switchedOff: "offline mode is on"
        case .unreachable(let host, let cause): "host \(host) is out of reach: \(cause)"
        }
    }
}
