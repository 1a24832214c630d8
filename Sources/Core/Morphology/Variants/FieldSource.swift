import Glibc

/// One peak of a field: a code that is highest somewhere inside `support` and 0 outside it.
protocol FieldKernel {
    /// The solid in which the code can differ from 0.
    var support: RoundedCone { get }
    /// The code at a point, um.
    func code(x: Double, y: Double, z: Double) -> UInt8
}

/// The box around the hull of two balls, search margin included, um.
struct FieldBox {
    var x, y, z: ClosedRange<Double>

    @inline(__always) init(
        ax: Double, ay: Double, az: Double, ra: Double, bx: Double, by: Double, bz: Double, rb: Double
    ) {
        let grownA = ra + (RoundedCone.tolerance + RoundedCone.margin)
        let grownB = rb + (RoundedCone.tolerance + RoundedCone.margin)
        x = min(ax - grownA, bx - grownB)...max(ax + grownA, bx + grownB)
        y = min(ay - grownA, by - grownB)...max(ay + grownA, by + grownB)
        z = min(az - grownA, bz - grownB)...max(az + grownA, bz + grownB)
    }
}

/// The peaks of a field in a compact form.
protocol FieldShape: Sendable {
    associatedtype Kernel: FieldKernel
    /// The number of peaks.
    var count: Int { get }
    /// Heap bytes held.
    var footprint: Int { get }
    /// A peak, created when a window needs it.
    func kernel(_ index: Int) -> Kernel
    /// The box around the support of a peak, um; it is cheaper to compute than the peak.
    func box(_ index: Int) -> FieldBox
}

/// A label volume with too many values for runs. At each voxel it has the greatest code of the peaks that reach the
/// voxel, evaluated when read. Its memory holds the peaks and, for each plane, the list of those that touch it.
final class FieldSource<Shape: FieldShape>: LabelSource {
    let grid: VoxelGrid
    let bytesPerVoxel = 1
    private let shape: Shape
    /// The peaks of each plane: `members[starts[plane]..<starts[plane + 1]]`.
    private let members: [Int32]
    private let starts: [UInt32]
    private let inverseX, inverseY: Double

    /// - Throws: `LabelError.grid`, or `tooManyRuns` when the plane lists together exceed `limit`.
    init(_ shape: Shape, grid: VoxelGrid, limit: Int) throws(LabelError) {
        try grid.validate()
        self.grid = grid
        self.shape = shape
        inverseX = 1 / grid.spacingX
        inverseY = 1 / grid.spacingY
        let planes = (0..<shape.count).map { index in Self.planes(shape.box(index).z, grid) }
        let total = planes.reduce(0) { sum, range in sum + range.count }
        guard total <= min(limit, Int(UInt32.max)) else { throw .tooManyRuns(limit: limit) }
        let buckets = PlaneBuckets(planes, depth: grid.depth)
        var members: [Int32] = []
        members.reserveCapacity(total)
        var starts: [UInt32] = [0]
        var active: [Int32] = []
        for plane in 0..<grid.depth {
            buckets.advance(&active, to: plane)
            members.append(contentsOf: active)
            starts.append(UInt32(truncatingIfNeeded: members.count))
        }
        self.members = members
        self.starts = starts
    }

    private static func planes(_ z: ClosedRange<Double>, _ grid: VoxelGrid) -> Range<Int> {
        let inverse = 1 / grid.spacingZ
        let first = VoxelGrid.firstIndex(z.lowerBound, inverse: inverse, origin: grid.originZ, limit: grid.depth)
        let last = VoxelGrid.lastIndex(z.upperBound, inverse: inverse, origin: grid.originZ, limit: grid.depth)
        return first..<max(first, last + 1)
    }

    var footprint: Int { shape.footprint + members.count * 4 + starts.count * 4 }

    /// Calls `body` with every row interval of every peak that reaches the window, not cut to `columns`. `body` returns
    /// whether to go on.
    @inline(__always) private func visit(
        plane: Int, rows: Range<Int>, columns: Range<Int>,
        _ body: (_ kernel: Shape.Kernel, _ row: Int, _ columns: ClosedRange<Int>) -> Bool
    ) {
        let rows = rows.clamped(to: 0..<grid.height)
        guard plane >= 0, plane < grid.depth, !rows.isEmpty, !columns.isEmpty else { return }
        let z = grid.z(plane)
        let top = grid.y(rows.lowerBound)
        let bottom = grid.y(rows.upperBound - 1)
        let leftmost = grid.x(columns.lowerBound)
        let rightmost = grid.x(columns.upperBound - 1)
        for member in members[Int(starts[plane])..<Int(starts[plane + 1])] {
            let box = shape.box(Int(member))
            guard
                box.y.upperBound >= top && box.y.lowerBound <= bottom && box.x.upperBound >= leftmost
                    && box.x.lowerBound <= rightmost
            else { continue }
            let kernel = shape.kernel(Int(member))
            let support = kernel.support
            let range = support.shadow.interval(at: z)
            guard range.low <= range.high else { continue }
            let first = VoxelGrid.firstIndex(
                support.shadow.lineA + range.low, inverse: inverseY, origin: grid.originY, limit: grid.height)
            let last = VoxelGrid.lastIndex(
                support.shadow.lineA + range.high, inverse: inverseY, origin: grid.originY, limit: grid.height)
            var row = max(first, rows.lowerBound)
            while row <= min(last, rows.upperBound - 1) {
                let interval = support.interval(y: grid.y(row), z: z)
                if interval.low <= interval.high {
                    let left = VoxelGrid.firstIndex(
                        support.ax + interval.low, inverse: inverseX, origin: grid.originX, limit: grid.width)
                    let right = VoxelGrid.lastIndex(
                        support.ax + interval.high, inverse: inverseX, origin: grid.originX, limit: grid.width)
                    if left <= right && !body(kernel, row, left...right) { return }
                }
                row += 1
            }
        }
    }

    /// Raises the codes of `columns` of a row. The first byte of the row stands for column `origin`.
    @inline(__always) private func raise(
        _ kernel: Shape.Kernel, row: Int, plane: Int, columns: Range<Int>, in start: UnsafeMutableRawPointer,
        origin: Int
    ) {
        let y = grid.y(row)
        let z = grid.z(plane)
        let codes = unsafe start.assumingMemoryBound(to: UInt8.self)
        var column = columns.lowerBound
        while column < columns.upperBound {
            let code = kernel.code(x: grid.x(column), y: y, z: z)
            let old = unsafe codes[column - origin]
            unsafe codes[column - origin] = max(old, code)
            column += 1
        }
    }

    func paint(plane: Int, bytes: Range<Int>, into buffer: UnsafeMutableRawBufferPointer) {
        precondition(
            bytes.lowerBound >= 0 && bytes.upperBound <= grid.planeVoxels && buffer.count >= bytes.count,
            "bytes \(bytes) of a plane of \(grid.planeVoxels) into \(buffer.count)")
        guard !bytes.isEmpty, let base = buffer.baseAddress else { return }
        unsafe memset(base, 0, bytes.count)
        let width = grid.width
        visit(
            plane: plane, rows: (bytes.lowerBound / width)..<((bytes.upperBound - 1) / width + 1), columns: 0..<width
        ) { kernel, row, columns in
            let start = row * width
            let wanted = max(columns.lowerBound, bytes.lowerBound - start)
            let end = min(columns.upperBound + 1, bytes.upperBound - start)
            if wanted < end {
                unsafe raise(
                    kernel, row: row, plane: plane, columns: wanted..<end,
                    in: base + (start + wanted - bytes.lowerBound),
                    origin: wanted)
            }
            return true
        }
    }

    func paintWindow(
        plane: Int, x: Range<Int>, y: Range<Int>, into buffer: UnsafeMutableRawBufferPointer, rowStride: Int
    ) {
        guard !x.isEmpty, !y.isEmpty, let base = buffer.baseAddress else { return }
        precondition(
            rowStride >= x.count && buffer.count >= (y.count - 1) * rowStride + x.count,
            "\(x.count) x \(y.count) voxels at stride \(rowStride) into \(buffer.count) bytes")
        unsafe RunIndex.clear(base, rows: y.count, rowBytes: x.count, rowStride: rowStride)
        visit(plane: plane, rows: y, columns: x) { kernel, row, columns in
            let wanted = (columns.lowerBound..<(columns.upperBound + 1)).clamped(to: x)
            unsafe raise(
                kernel, row: row, plane: plane, columns: wanted, in: base + (row - y.lowerBound) * rowStride,
                origin: x.lowerBound)
            return true
        }
    }

    func isEmpty(planes: Range<Int>, x: Range<Int>, y: Range<Int>) -> Bool {
        guard !x.isEmpty, !y.isEmpty else { return true }
        var isEmpty = true
        for plane in planes.clamped(to: 0..<grid.depth) where isEmpty {
            let z = grid.z(plane)
            visit(plane: plane, rows: y, columns: x) { kernel, row, columns in
                for column in (columns.lowerBound..<(columns.upperBound + 1)).clamped(to: x)
                where kernel.code(x: grid.x(column), y: grid.y(row), z: z) > 0 {
                    isEmpty = false
                    break
                }
                return isEmpty
            }
        }
        return isEmpty
    }

    func forEachRun(plane: Int, rows: Range<Int>, _ body: (LabelRun) -> Void) {
        var touched = Int.max...Int.max
        visit(plane: plane, rows: rows, columns: 0..<grid.width) { _, row, _ in
            touched = min(touched.lowerBound, row)...(touched.lowerBound == .max ? row : max(touched.upperBound, row))
            return true
        }
        guard touched.lowerBound < .max else { return }
        var line = [UInt8](repeating: 0, count: grid.width)
        for row in touched {
            unsafe line.withUnsafeMutableBytes { buffer in
                unsafe paintWindow(
                    plane: plane, x: 0..<grid.width, y: row..<(row + 1), into: buffer, rowStride: grid.width)
            }
            var column = 0
            while column < grid.width {
                let value = line[column]
                var end = column + 1
                while end < grid.width && line[end] == value { end += 1 }
                if value != 0 { body(LabelRun(row: row, columns: column..<end, value: UInt16(value))) }
                column = end
            }
        }
    }
}
