package import Support

/// Gets blocks that no store holds.
package protocol BlockSource: Sendable {
    /// Why a request for an object should not be made now; nil when it may.
    func outage(for object: ObjectID) -> Outage?

    /// Whether the bytes of an object lie on this machine. Then no store keeps a copy of them, nothing is fetched ahead,
    /// and each open asks for the present version.
    func isLocal(_ object: ObjectID) -> Bool

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
    /// - Parameter counts: whether to fetch the object and count its bytes, because the length that the source says is not
    ///   true.
    /// - Returns: the record, resolved on a worker; its number says nothing yet.
    func stat(_ object: SourceObject, counts: Bool, token: CancellationToken) -> Promise<ObjectRecord, SourceError>

    /// Gives the source a taker for blocks that come without a request for them, as when it must send a whole file.
    func attach(_ taker: any BlockTaker)

    /// A handle of a file is opened: while there is one, the source goes on sending a whole file although no reader waits at
    /// the moment. ``closed(_:length:version:)`` follows.
    ///
    /// - Parameters:
    ///   - length: bytes of the file.
    ///   - version: the version that the handle reads, ``ObjectRecord/validator``.
    func opened(_ object: ObjectID, length: Int, version: String)

    /// A handle of a file is closed.
    func closed(_ object: ObjectID, length: Int, version: String)

    /// Requests for blocks that were made upstream so far.
    var requestCount: Int { get }

    /// Ends all that is under way with ``SourceError/Kind/shutDown``.
    func shutDown()

    /// Where people find an object: its URL or path.
    func address(of object: SourceObject) -> String

    /// Where the bytes of a request come from, for the log.
    func address(of request: BlockRequest) -> String

    /// Checks and decodes the blocks of this source.
    var codec: any BlockCodec { get }
}

extension BlockSource {
    package func isLocal(_ object: ObjectID) -> Bool { false }
}

/// A request under way.
package protocol BlockExchange: Sendable {
    /// Gives the request up.
    func cancel()
    /// Moves a request of the prefetch lane to the demand lane.
    func promote()
}

/// Takes what a source sends without a request for it: blocks, and news of versions.
package protocol BlockTaker: AnyObject, Sendable {
    /// Stores a block. Called on a worker; returns when the block is stored, or cannot be.
    func take(_ block: SourceBlock, _ request: BlockRequest)

    /// Whether there is a store to take blocks for.
    var takesBlocks: Bool { get }

    /// The source has found by itself that objects are of other versions than it has said. Called on a worker.
    func changed(_ records: [ObjectRecord])
}

/// Tells whether bytes are the block that was asked for, and makes pixels of a tile.
package protocol BlockCodec: Sendable {
    /// Checks a block and decodes it. Called on workers, for bytes of the source and for bytes of a store.
    ///
    /// - Returns: the pixels of a tile, row by row, one byte each; nil for other parts, whose bytes stay as they are.
    /// - Throws: ``BlockFault`` when the bytes are not those of the part.
    func decode(_ bytes: [UInt8], _ part: BlockPart, of object: SourceObject) throws(BlockFault) -> [UInt8]?
}

/// Why bytes are not the block that was asked for.
package struct BlockFault: Error, Equatable, Sendable {
    /// A clause for the log.
    package let reason: String

    /// A fault.
    package init(_ reason: String) { self.reason = reason }
}
