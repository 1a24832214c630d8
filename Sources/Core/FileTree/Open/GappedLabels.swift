internal import Morphology

/// The labels of a stack in which planes have no image: every voxel of such a plane says that nothing is known of it.
///
/// Background there would be taken for tissue without the neuron, and labels for a picture that is black.
struct GappedLabels: LabelSource {
    /// The labels without regard to the images.
    private let source: any LabelSource
    private let gaps: Set<Int>
    private let value: UInt16

    /// - Parameters:
    ///   - gaps: Indices of the planes without an image.
    ///   - value: The value of their voxels, whose bytes are all alike.
    init(_ source: any LabelSource, gaps: Set<Int>, value: UInt16) {
        precondition(value & 0xFF == value >> 8 || source.bytesPerVoxel == 1)
        self.source = source
        self.gaps = gaps
        self.value = value
    }

    var grid: VoxelGrid { source.grid }
    var bytesPerVoxel: Int { source.bytesPerVoxel }
    var footprint: Int { source.footprint }

    private var byte: UInt8 { UInt8(truncatingIfNeeded: value) }

    func paint(plane: Int, bytes: Range<Int>, into buffer: UnsafeMutableRawBufferPointer) {
        guard gaps.contains(plane) else { return unsafe source.paint(plane: plane, bytes: bytes, into: buffer) }
        unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<bytes.count])
            .initializeMemory(as: UInt8.self, repeating: byte)
    }

    func paintWindow(
        plane: Int, x: Range<Int>, y: Range<Int>, into buffer: UnsafeMutableRawBufferPointer, rowStride: Int
    ) {
        guard gaps.contains(plane) else {
            return unsafe source.paintWindow(plane: plane, x: x, y: y, into: buffer, rowStride: rowStride)
        }
        let inside = x.clamped(to: 0..<grid.width)
        for row in y {
            let start = (row - y.lowerBound) * rowStride
            let line = unsafe UnsafeMutableRawBufferPointer(
                rebasing: buffer[start..<start + x.count * bytesPerVoxel])
            unsafe line.initializeMemory(as: UInt8.self, repeating: 0)
            guard (0..<grid.height).contains(row), !inside.isEmpty else { continue }
            let first = (inside.lowerBound - x.lowerBound) * bytesPerVoxel
            unsafe UnsafeMutableRawBufferPointer(rebasing: line[first..<first + inside.count * bytesPerVoxel])
                .initializeMemory(as: UInt8.self, repeating: byte)
        }
    }

    func isEmpty(planes: Range<Int>, x: Range<Int>, y: Range<Int>) -> Bool {
        guard planes.contains(where: gaps.contains) else { return source.isEmpty(planes: planes, x: x, y: y) }
        let isInside = x.overlaps(0..<grid.width) && y.overlaps(0..<grid.height)
        return planes.allSatisfy { plane in
            gaps.contains(plane)
                ? value == 0 || !isInside : source.isEmpty(planes: plane..<plane + 1, x: x, y: y)
        }
    }

    func forEachRun(plane: Int, rows: Range<Int>, _ body: (LabelRun) -> Void) {
        guard gaps.contains(plane) else { return source.forEachRun(plane: plane, rows: rows, body) }
        guard value != 0 else { return }
        for row in rows.clamped(to: 0..<grid.height) {
            body(LabelRun(row: row, columns: 0..<grid.width, value: value))
        }
    }
}

extension LabelVariant {
    /// The value of a plane without an image, in volumes of this variant.
    ///
    /// 255 is "unknown" where values are classes, and no other voxel of `binary` has it. 65535 is an id that only a skeleton
    /// of 65535 neurite sections has. In the two fields every value is a distance or the height of a peak: there the value
    /// is that of far background, and such planes have to be left out by their number.
    var valueWithoutImage: UInt16 {
        switch self {
        case .classes, .classes3, .binary, .centerline, .ignore: 255
        case .instance: .max
        case .distance, .nodes: 0
        }
    }
}
