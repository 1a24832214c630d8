/// What flights are told apart by. The validator is not part of it: readers that believe in different versions share the
/// request, and each compares the reply with its own belief.
struct FlightKey: Hashable, Sendable {
    let id: String
    let index: Int

    init(_ plan: BlockPlan) {
        id = plan.id
        index = plan.index
    }
}

/// One block under way and everybody who waits for it. A value in the table of flights, changed only under its lock.
///
///     queued -> looking -> requested -> landed -> (gone)
///                  |           ^  |
///                  +-> gone    +--+  once more, when the bytes were wrong
struct Flight {
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
    /// Whether the flight goes on when its last reader leaves.
    let isPrefetch: Bool
    var readers: [ObjectIdentifier: Reader] = [:]
    /// Whether any reader ever waited.
    var wasWanted: Bool
    var exchange: (any SourceExchange)?
    /// The lane in which the request was started.
    var requestIsDemand = false
    /// Requests whose bytes were wrong.
    var wrongReplies = 0
}
