import Support

@testable import Morphology

/// A stored run index: whatever is accepted can be painted without writing outside the buffer.
///
/// The input is an index without its checksum, which is put right here: a checksum that does not match is refused before
/// anything else is looked at, and no fuzzer guesses one. An odd last byte asks for the input as it is.
@Sendable func fuzzRunIndex(_ bytes: [UInt8]) {
    var stored = Array(bytes.dropLast())
    if (bytes.last ?? 0) & 1 == 0 {
        let checksum = CRC32C.checksum(stored)
        for shift in stride(from: 0, to: 32, by: 8) {
            stored.append(UInt8(truncatingIfNeeded: checksum >> UInt32(shift)))
        }
    }
    let index: RunIndex
    do throws(RunIndexCodingError) {
        index = try RunIndex(decoding: stored)
    } catch {
        return
    }
    require(index.encoded() == stored, "decoding an index and encoding it changes nothing")
    let grid = index.grid
    _ = index.voxelCount
    _ = index.occupiedPlanes
    for plane in [0, grid.depth / 2, grid.depth - 1] {
        // A plane may have 2^32 voxels; the first and last rows are where a write would leave the buffer.
        let planeBytes = grid.planeVoxels * index.bytesPerVoxel
        for bytes in [0..<min(planeBytes, 1 << 16), max(0, planeBytes - 1 << 16)..<planeBytes] {
            var buffer = [UInt8](repeating: 0, count: bytes.count)
            buffer.withUnsafeMutableBytes { index.paint(plane: plane, bytes: bytes, into: $0) }
        }
        let (x, y) = (max(0, grid.width - 90)..<grid.width + 10, max(0, grid.height - 90)..<grid.height + 10)
        let stride = x.count * index.bytesPerVoxel
        var window = [UInt8](repeating: 0, count: stride * y.count)
        window.withUnsafeMutableBytes { index.paintWindow(plane: plane, x: x, y: y, into: $0, rowStride: stride) }
        _ = index.isEmpty(planes: plane..<plane + 1, x: x, y: y)
        for run in index.runs(plane: plane) {
            require(run.row < grid.height && run.columns.upperBound <= grid.width, "a run lies in its plane")
        }
    }
}
