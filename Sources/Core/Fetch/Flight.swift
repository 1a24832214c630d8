import Support
import Transport

/// What flights are told apart by. The validator is not part of it: readers that believe in different versions share the
/// request, and each compares the reply with its own belief. The length is, because a block of a file of another length
/// may itself be of another length, and without validators nothing else would tell.
struct FlightKey: Hashable, Sendable {
    let id: String
    let length: Int?
    let index: Int

    init(_ plan: BlockPlan) {
        id = plan.id
        length = plan.length
        index = plan.index
    }
}

/// One block under way and everybody who waits for it. A value in the table of flights, changed only under its lock.
///
///     queued -> looking -> requested -> landed -> (gone)
///                  |           ^  |
///                  +-> gone    +--+  once more, when the bytes were wrong
struct Flight {
    /// How a request ended.
    struct Reply {
        let request: HTTPRequest
        let result: Result<HTTPResponse, TransportError>
    }

    enum Phase {
        /// Waits for a worker.
        case queued
        /// A worker asks the cache on disk.
        case looking
        /// The request is under way, or its reply is being checked.
        case requested
        /// The block is there and is being written to the cache. Readers that come now get it at once, so that no second
        /// request is made in the moment between the answer and the write.
        case landed(FetchedBlock)
    }

    /// Tells this flight from an earlier one of the same block.
    let number: UInt64
    /// How to get the block.
    var plan: BlockPlan
    var phase = Phase.queued
    /// Demand as soon as one reader waits.
    var isDemand: Bool
    /// Whether it was begun ahead of any reader.
    let isPrefetch: Bool
    var readers: [ObjectIdentifier: Reader] = [:]
    /// Those who want it ahead of a reader: while there are any, the flight goes on without readers. Kept whole, because
    /// the address of a token that is gone may become that of another.
    var wishes: [ObjectIdentifier: CancellationToken] = [:]
    /// Whether any reader ever waited.
    var wasWanted: Bool
    var exchange: (any SourceExchange)?
    /// The lane in which the request was started.
    var requestIsDemand = false
    /// What came back, until a worker checks it.
    var reply: Reply?
    /// Requests started, which tells them apart.
    var requests = 0
    /// Requests whose bytes were wrong.
    var wrongReplies = 0

    var isLanded: Bool { if case .landed = phase { true } else { false } }

    /// Whether the block that is there is of another version than `plan` believes in.
    func isLanded(otherThanFor plan: BlockPlan) -> Bool {
        if case .landed(let block) = phase { !plan.accepts(block.validator) } else { false }
    }
}
