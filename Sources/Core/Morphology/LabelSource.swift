/// A horizontal run of equal voxels on one plane.
public struct LabelRun: Sendable, Hashable {
    /// Row, 0 at the top.
    public var row: Int
    /// Columns, half open and never empty.
    public var columns: Range<Int>
    /// The voxels' value, never 0.
    public var value: UInt16

    /// A run of `value` on `columns` of `row`.
    public init(row: Int, columns: Range<Int>, value: UInt16) {
        self.row = row
        self.columns = columns
        self.value = value
    }
}

/// A label volume that is computed when it is read: any plane, window or byte range. The memory does not depend on the
/// size of the volume.
///
/// Axes are (plane, row, column) = (z, y, x), the last fastest. A voxel has `bytesPerVoxel` bytes, little endian.
/// Background is 0 in every variant. Values are immutable and every call is pure, so threads may share a source.
public protocol LabelSource: Sendable {
    /// The grid of this volume.
    var grid: VoxelGrid { get }

    /// Bytes of one voxel: 1, or 2 for `LabelVariant.instance`.
    var bytesPerVoxel: Int { get }

    /// Heap bytes that the source holds during its life.
    var footprint: Int { get }

    /// Fills `buffer` with the bytes `bytes` of a plane, whose rows follow each other without padding.
    ///
    /// Every byte is written, so the buffer need not be zeroed. A range may begin and end inside a row or a voxel.
    /// - Precondition: `bytes` lies in `0..<grid.planeVoxels * bytesPerVoxel`, and `buffer` holds `bytes.count` bytes.
    ///   A plane outside the grid is background.
    func paint(plane: Int, bytes: Range<Int>, into buffer: UnsafeMutableRawBufferPointer)

    /// Fills a rectangle of a plane. Voxel (x, y) goes to
    /// `buffer[(y - y.lowerBound) * rowStride + (x - x.lowerBound) * bytesPerVoxel]`. The bytes between the end of a
    /// row and the next stride keep their value.
    ///
    /// The rectangle may reach outside the grid on any side, and so may the plane; outside is background. A full-size
    /// chunk at the edge of a Zarr array needs this.
    /// - Parameter rowStride: bytes from one row to the next, at least `x.count * bytesPerVoxel`.
    func paintWindow(
        plane: Int, x: Range<Int>, y: Range<Int>, into buffer: UnsafeMutableRawBufferPointer, rowStride: Int)

    /// Whether every voxel of the box is background. The answer is exact and cheaper than painting. Parts outside the
    /// grid count as background.
    func isEmpty(planes: Range<Int>, x: Range<Int>, y: Range<Int>) -> Bool

    /// Calls `body` with every maximal run of non-zero voxels of the rows, in reading order. Rows outside the grid have
    /// no run.
    func forEachRun(plane: Int, rows: Range<Int>, _ body: (LabelRun) -> Void)
}

extension LabelSource {
    /// The runs of `rows` of a plane, in reading order; `nil` means every row.
    public func runs(plane: Int, rows: Range<Int>? = nil) -> [LabelRun] {
        var runs: [LabelRun] = []
        forEachRun(plane: plane, rows: rows ?? 0..<grid.height) { run in runs.append(run) }
        return runs
    }

    /// Bytes of one whole plane.
    public var planeBytes: Int { grid.planeVoxels * bytesPerVoxel }

    /// One whole plane, row after row; for tests and small grids.
    public func plane(_ plane: Int) -> [UInt8] {
        let count = planeBytes
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            unsafe paint(plane: plane, bytes: 0..<count, into: UnsafeMutableRawBufferPointer(buffer))
            initialized = count
        }
    }
}

/// Why a label source cannot be created.
public enum LabelError: Error, Hashable, CustomStringConvertible {
    /// The grid is empty or larger than the engine's coordinates. The string names the number that is out of range.
    case grid(String)
    /// An option is not usable (a clip of 0 um, a negative radius). The string names it.
    case option(String)
    /// The skeleton needs more work than `LabelOptions.maximumRuns` allows: the file is not a neuron at this spacing.
    case tooManyRuns(limit: Int)
    /// More neurite sections than a 16-bit id can name.
    case tooManySections(Int)

    /// One sentence for a person.
    public var description: String {
        switch self {
        case .grid(let reason): "the voxel grid cannot be used: \(reason)"
        case .option(let reason): "the label option cannot be used: \(reason)"
        case .tooManyRuns(let limit): "drawing this skeleton needs more than \(limit) voxel runs"
        case .tooManySections(let count): "the skeleton has \(count) sections; 16-bit instance ids can name 65535"
        }
    }
}
