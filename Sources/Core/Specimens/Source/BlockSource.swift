package import Support

/// Gets blocks that no store holds.
package protocol BlockSource: Sendable {
    /// Why a request for an object should not be made now; nil when it may.
    func outage(for object: ObjectID) -> Outage?

    /// Hosts, or places, that are out of reach now.
    var unreachable: [String] { get }

    /// Starts getting a block.
    ///
    /// - Parameter completion: called exactly once, on any thread, also after a cancellation, perhaps before this returns.
    func start(
        _ request: BlockRequest, completion: @escaping @Sendable (Result<SourceBlock, SourceError>) -> Void
    ) -> any BlockExchange

    /// Asks what is true of an object now: its length, version and date. The reply is not kept.
    ///
    /// - Parameters:
    ///   - counts: whether to fetch the object and count its bytes, because the length that the source says is not true.
    ///   - completion: called exactly once, on a worker.
    func stat(
        _ object: SourceObject, counts: Bool, token: CancellationToken,
        completion: @escaping @Sendable (Result<ObjectRecord, SourceError>) -> Void)

    /// Gives the source a taker for blocks that come without a request for them, as when it must send a whole file.
    func attach(_ taker: any BlockTaker)

    /// A handle of a file is opened: while there is one, the source goes on sending a whole file although nobody waits at
    /// the moment. ``closed(_:version:)`` follows.
    func opened(_ object: ObjectID, version: String)

    /// A handle of a file is closed.
    func closed(_ object: ObjectID, version: String)

    /// Ends all that is under way with ``SourceError/Kind/shutDown``.
    func shutDown()

    /// Where people find an object: its URL or path.
    func address(of object: SourceObject) -> String
}

/// A request under way.
package protocol BlockExchange: Sendable {
    /// Gives the request up.
    func cancel()
    /// Moves a request of the prefetch lane to the demand lane.
    func promote()
}

/// Takes blocks that a source sends without a request for them.
package protocol BlockTaker: AnyObject, Sendable {
    /// Stores a block. Called on a worker; returns when the block is stored, or cannot be.
    func take(_ block: SourceBlock, _ request: BlockRequest)

    /// Whether there is a store to take blocks for.
    var takesBlocks: Bool { get }
}
