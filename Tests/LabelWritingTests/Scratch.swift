import Foundation
import Morphology
import Support

@testable import LabelWriting

/// A directory that goes away with this object.
final class Scratch {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "LabelWritingTests.\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            fatalError("cannot remove \(path): \(error)")
        }
    }

    /// The path of `name` in the directory.
    func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }

    func write(_ bytes: [UInt8], to name: String) throws {
        let url = URL(filePath: self(name))
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }

    func bytes(_ name: String) throws -> [UInt8] { try readWholeFile(self(name)) }

    func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }

    func json(_ name: String) throws -> JSONValue { try JSONValue.parse(try bytes(name)) }

    /// Every file and directory below, sorted.
    var contents: [String] {
        get throws { try FileManager.default.subpathsOfDirectory(atPath: path).sorted() }
    }
}

/// Voxels of an array, row after row, as the source of a writer: what is written can be compared without the engine.
struct ArraySource: LabelSource {
    let grid: VoxelGrid
    let bytesPerVoxel: Int
    /// (z, y, x), x fastest.
    let voxels: [UInt16]
    /// The same, little endian.
    let bytes: [UInt8]
    var footprint: Int { 0 }

    init(width: Int, height: Int, depth: Int, bytesPerVoxel: Int, _ value: (_ z: Int, _ y: Int, _ x: Int) -> UInt16) {
        grid = VoxelGrid(width: width, height: height, depth: depth, spacingX: 0.25, spacingY: 0.5, spacingZ: 2)
        self.bytesPerVoxel = bytesPerVoxel
        var voxels: [UInt16] = []
        for z in 0..<depth { for y in 0..<height { for x in 0..<width { voxels.append(value(z, y, x)) } } }
        self.voxels = voxels
        bytes = voxels.flatMap { bytesPerVoxel == 2 ? [UInt8($0 & 255), UInt8($0 >> 8)] : [UInt8($0)] }
    }

    /// A voxel in four differs from background, all values are used, and blocks of 40 rows are empty now and then.
    static func scattered(width: Int, height: Int, depth: Int, bytesPerVoxel: Int) -> ArraySource {
        ArraySource(width: width, height: height, depth: depth, bytesPerVoxel: bytesPerVoxel) { z, y, x in
            let mixed = (z &* 73_856_093) ^ (y &* 19_349_663) ^ (x &* 83_492_791)
            guard mixed & 3 == 0, (y / 40 + z) % 3 != 1 else { return 0 }
            return bytesPerVoxel == 2 ? UInt16(truncatingIfNeeded: mixed >> 3) : UInt16(mixed >> 3 & 255)
        }
    }

    /// The bytes of a plane.
    func bytes(plane: Int) -> [UInt8] { Array(bytes[(plane * planeBytes)..<((plane + 1) * planeBytes)]) }

    func paint(plane: Int, bytes range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer) {
        buffer.copyBytes(from: bytes[(plane * planeBytes + range.lowerBound)..<(plane * planeBytes + range.upperBound)])
    }

    func paintWindow(
        plane: Int, x: Range<Int>, y: Range<Int>, into buffer: UnsafeMutableRawBufferPointer, rowStride: Int
    ) {
        for row in y {
            let start = (row - y.lowerBound) * rowStride
            for at in start..<(start + x.count * bytesPerVoxel) { buffer[at] = 0 }
            guard let columns = inside(plane, row, x) else { continue }
            let line = bytes[(columns.lowerBound * bytesPerVoxel)..<(columns.upperBound * bytesPerVoxel)]
            UnsafeMutableRawBufferPointer(rebasing: buffer[start...]).copyBytes(from: line)
        }
    }

    func isEmpty(planes: Range<Int>, x: Range<Int>, y: Range<Int>) -> Bool {
        !planes.contains { plane in
            y.contains { row in inside(plane, row, x).map { voxels[$0].contains { $0 != 0 } } ?? false }
        }
    }

    func forEachRun(plane: Int, rows: Range<Int>, _ body: (LabelRun) -> Void) {
        for row in rows {
            let line = inside(plane, row, 0..<grid.width).map { voxels[$0] } ?? []
            for (x, value) in line.enumerated() where value != 0 {
                body(LabelRun(row: row, columns: x..<(x + 1), value: value))
            }
        }
    }

    /// The places of columns `x` in ``voxels``; nil where the row is outside. Windows begin inside the grid.
    private func inside(_ plane: Int, _ row: Int, _ x: Range<Int>) -> Range<Int>? {
        guard (0..<grid.depth).contains(plane), (0..<grid.height).contains(row) else { return nil }
        let first = (plane * grid.height + row) * grid.width
        return (first + x.lowerBound)..<(first + min(x.upperBound, grid.width))
    }
}

/// The sentence of the error that `body` throws; "" without one.
func sentence(_ kind: LabelWritingError.Kind = .request, _ body: () throws -> Void) -> String {
    do {
        try body()
        return ""
    } catch let error as LabelWritingError {
        return error.kind == kind ? error.description : "an error of another kind: \(error)"
    } catch {
        return "another error: \(error)"
    }
}
