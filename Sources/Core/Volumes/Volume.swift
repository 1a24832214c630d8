package import Layouts
package import Support

/// An array of voxels in (z, y, x) that can be read: images, labels, and views of them.
///
/// A file of the mount is a layout of a volume. Reading a piece of a plane is the only way to get voxels. A piece may reach
/// beyond the volume on any side; there every voxel is 0.
package protocol Volume: Sendable {
    /// The shape of the array, the spacing and the origin.
    var geometry: VolumeGeometry { get }

    /// How a voxel is stored.
    var element: VoxelType { get }

    /// Whether the voxels of some planes are still those of the version that was opened.
    ///
    /// - Parameter planes: may be empty: then whether what all planes are made from is still the same.
    func isCurrent(_ planes: Range<Int>) -> Bool

    /// Whether an earlier open in this mount may have got voxels of an earlier version.
    var hasChanged: Bool { get }

    /// Fills `buffer`, of `piece.bytes.count` bytes, if the voxels are in memory or are computed. Never waits and starts no
    /// request, so FUSE threads may call it.
    ///
    /// - Returns: false when a voxel is not in memory; `buffer` is then undefined. False also where looking would cost more
    ///   than ``read(_:token:)``, which then answers before it returns.
    func readNow(_ piece: PlanePiece, into buffer: UnsafeMutableRawBufferPointer) -> Bool

    /// Fetches the voxels of a piece. Answers at once when they are in memory.
    ///
    /// - Returns: what copies the piece into the buffer of a reply. `changedUpstream` when the volume is no longer of the
    ///   version that was opened.
    func read(_ piece: PlanePiece, token: CancellationToken) -> Promise<VoxelCopy, VolumeError>

    /// What a read of `piece` would cost now. Never waits, so FUSE threads may call it.
    func cost(of piece: PlanePiece) -> ReadCost

    /// Whether every voxel of `box` is 0. Exact where it is not nil; nil when only reading would tell.
    func isEmpty(_ box: VoxelBox) -> Bool?

    /// The rows of a plane that are fetched together with row `row`: those of its tiles. They may reach beyond the plane.
    func rowsFetched(with row: Int) -> Range<Int>

    /// Counts the blocks that `box` is read from, and those that the store on disk does not hold now.
    ///
    /// - Parameter forgets: whether memory lets go of those that are missing, so that their next reader fetches them for the
    ///   disk.
    func countBlocks(in box: VoxelBox, forgets: Bool, token: CancellationToken) -> Promise<
        BlockCount, VolumeError
    >
}

extension Volume {
    /// Whether all voxels are still those of the version that was opened.
    package var isCurrent: Bool { isCurrent(0..<geometry.shape.z) }
}

/// What a read costs, the least first.
package enum ReadCost: Int, Comparable, Sendable {
    /// Nothing but copying or computing.
    case memory
    /// The decoding of what is on this machine.
    case decoding
    /// A request to the source at least.
    case request

    package static func < (left: ReadCost, right: ReadCost) -> Bool { left.rawValue < right.rawValue }
}

/// The voxels of a piece, ready to be copied.
@safe package struct VoxelCopy: Sendable {
    private let body: @Sendable (UnsafeMutableRawBufferPointer) -> Void

    /// A piece that `body` copies into a buffer of its size.
    package init(_ body: @escaping @Sendable (UnsafeMutableRawBufferPointer) -> Void) { unsafe self.body = unsafe body }

    /// A piece of zeros.
    static let zeros = unsafe VoxelCopy { unsafe $0.zero() }

    /// Fills `buffer`, which has the size of the piece.
    package func copy(into buffer: UnsafeMutableRawBufferPointer) { unsafe body(buffer) }
}

/// Rows of tiles that can be fetched ahead of a reader, numbered from 0 in the order in which a reader that goes down the
/// planes comes to them.
package protocol PrefetchRows: Sendable {
    /// Rows of tiles.
    var count: Int { get }

    /// The number of the row of tiles that holds a row of a plane; nil for a plane that has none.
    func number(plane: Int, row: Int) -> Int?

    /// Begins to fetch a row of tiles.
    ///
    /// - Parameters:
    ///   - part: the first tile of the row that is wanted.
    ///   - token: ends what nobody else wants.
    ///   - isLeft: called, on any thread, with the first tile for which there is no room.
    func prefetch(
        _ number: Int, from part: Int, token: CancellationToken, isLeft: @escaping @Sendable (_ part: Int) -> Void)
}

extension UnsafeMutableRawBufferPointer {
    /// Fills the buffer with zeros.
    func zero() { unsafe initializeMemory(as: UInt8.self, repeating: 0) }
}
