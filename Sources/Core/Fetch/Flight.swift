import Specimens
import Support

/// What tells flights apart. The expected version is not part of it: readers that expect different versions share the
/// request, and each compares the reply with its own. The length is, because a block of a file of another length may itself
/// be of another length, and without versions nothing else would tell.
struct FlightKey: Hashable, Sendable {
    let object: ObjectID
    let part: BlockPart

    init(_ request: BlockRequest) {
        object = request.object.id
        part = request.part
    }
}

/// One block under way, with all readers that wait for it. A value in the table of flights, changed only under its lock.
///
///     queued -> looking -> requested -> arrived -> (removed)
///                  |           ^  |
///                  +-> removed +--+  once more, when the bytes were wrong
struct Flight {
    /// How a request ended.
    struct Reply {
        let request: BlockRequest
        let result: Result<SourceBlock, SourceError>
    }

    enum Phase {
        /// Waits for a worker.
        case queued
        /// A worker asks the store.
        case looking
        /// The request is under way, or its reply is being checked.
        case requested
        /// The block has arrived and is being stored. Readers that come now get it at once, so that no second request is
        /// made in the moment between the answer and the write.
        case arrived(FetchedBlock)
    }

    /// Tells this flight from an earlier one of the same block.
    let number: UInt64
    /// How to get the block.
    var request: BlockRequest
    var phase = Phase.queued
    /// Demand as soon as one reader waits.
    var isDemand: Bool
    /// Whether it was begun ahead of any reader.
    let isPrefetch: Bool
    var waiters: [ObjectIdentifier: Waiter] = [:]
    /// The tokens of those that want the block ahead of a reader: while there are any, the flight goes on without readers.
    /// Kept whole, because the address of a token that has ended may become that of another.
    var hints: [ObjectIdentifier: CancellationToken] = [:]
    /// Whether any reader ever waited.
    var wasWanted: Bool
    var exchange: (any BlockExchange)?
    /// The lane in which the request was started.
    var requestIsDemand = false
    /// What came back, until a worker checks it.
    var reply: Reply?
    /// Requests started, which tells them apart.
    var requests = 0
    /// Requests whose bytes were wrong.
    var wrongReplies = 0

    var hasArrived: Bool { if case .arrived = phase { true } else { false } }

    /// Whether the block that has arrived is of another version than `request` expects.
    func hasArrived(otherThanFor request: BlockRequest) -> Bool {
        if case .arrived(let block) = phase { !request.accepts(block.version) } else { false }
    }
}
