import Foundation
import Layouts
import Morphology
import TestTools
import Testing

@testable import LabelWriting

/// Files of a volume, read back by libtiff, or by hand from the description of the format.
@Suite struct VolumeWriterTests {
    struct Shape: CustomTestStringConvertible, Sendable {
        var width, height, depth, bytesPerVoxel: Int
        var testDescription: String { "\(width) x \(height) x \(depth), \(bytesPerVoxel) bytes" }
        var source: ArraySource { .scattered(width: width, height: height, depth: depth, bytesPerVoxel: bytesPerVoxel) }
    }

    /// One voxel, odd sides, planes of several bands of 128 KiB, and a row longer than a band.
    static let shapes = [
        Shape(width: 1, height: 1, depth: 1, bytesPerVoxel: 1), Shape(width: 7, height: 5, depth: 3, bytesPerVoxel: 1),
        Shape(width: 31, height: 64, depth: 4, bytesPerVoxel: 2),
        Shape(width: 400, height: 700, depth: 3, bytesPerVoxel: 1),
        Shape(width: 300, height: 500, depth: 2, bytesPerVoxel: 2),
        Shape(width: 65_536, height: 3, depth: 2, bytesPerVoxel: 2),
    ]

    private func counter(_ total: Int) throws(LabelWritingError) -> ProgressCounter {
        try ProgressCounter(LabelProgress(unit: .planes, total: total)) { _ in true }
    }

    private static let spacing = ZYX(z: 2, y: 0.5, x: 0.25)

    @Test(arguments: shapes)
    func anArrayFileHasItsHeaderAndTheVoxels(_ shape: Shape) throws {
        let scratch = try Scratch()
        let source = shape.source
        var writer = VolumeWriter(source)
        var progress = try counter(shape.depth)
        try writer.writeArray(to: scratch("x.npy"), progress: &progress)
        let bytes = try scratch.bytes("x.npy")
        // NEP 1: magic, version 1.0, length of the dictionary's text as two bytes, the text up to a multiple of 64.
        #expect(Array(bytes[..<8]) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0])
        let start = 10 + Int(bytes[8]) + Int(bytes[9]) << 8
        #expect(start % 64 == 0)
        let header = String(decoding: bytes[10..<start], as: UTF8.self)
        let type = shape.bytesPerVoxel == 2 ? "<u2" : "|u1"
        let dictionary =
            "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(shape.depth), \(shape.height), \(shape.width)), }"
        #expect(header.hasSuffix("\n"))
        #expect(header.trimmingCharacters(in: .whitespacesAndNewlines) == dictionary)
        #expect(Array(bytes[start...]) == source.bytes)
        #expect(try scratch.contents == ["x.npy"])
    }

    @Test(arguments: shapes)
    func libtiffReadsEveryPlaneOfOneFile(_ shape: Shape) throws {
        let scratch = try Scratch()
        let source = shape.source
        let layout = try VolumeTIFF(
            width: shape.width, height: shape.height, depth: shape.depth, bitsPerSample: 8 * shape.bytesPerVoxel,
            spacing: Self.spacing, description: "a description")
        var writer = VolumeWriter(source)
        var progress = try counter(shape.depth)
        try writer.writeVolume(layout, to: scratch("x.tif"), progress: &progress)
        let read = try LibTIFF(path: scratch("x.tif"))
        #expect(read.complaints == 0 && read.pages.count == shape.depth)
        for (plane, page) in read.pages.enumerated() { check(page, shape, source, plane) }
        #expect(try scratch.contents == ["x.tif"])
    }

    @Test(arguments: shapes)
    func libtiffReadsAFileForEachPlane(_ shape: Shape) throws {
        let scratch = try Scratch()
        let source = shape.source
        let layout = try PlaneTIFF(
            width: shape.width, height: shape.height, bitsPerSample: 8 * shape.bytesPerVoxel, spacing: Self.spacing,
            description: "a description")
        var writer = VolumeWriter(source)
        var progress = try counter(shape.depth)
        try writer.writePlaneFiles(layout, to: scratch("x"), progress: &progress)
        for plane in 0..<shape.depth {
            let read = try LibTIFF(path: scratch("x/000\(plane).tif"))
            #expect(read.complaints == 0 && read.pages.count == 1)
            check(read.pages[0], shape, source, plane)
        }
        #expect(try scratch.contents.count == 1 + shape.depth)
    }

    private func check(_ page: LibTIFF.Page, _ shape: Shape, _ source: ArraySource, _ plane: Int) {
        #expect(page.width == UInt32(shape.width) && page.height == UInt32(shape.height))
        #expect(page.bitsPerSample == UInt16(8 * shape.bytesPerVoxel) && page.compression == 1)
        #expect(page.pixels == source.bytes(plane: plane), "plane \(plane)")
        // Centimetres: 10,000 um over the size of a voxel.
        #expect(page.resolutionUnit == 3 && page.xResolution == 40_000 && page.yResolution == 20_000)
    }

    @Test func numbersOfPlanesHaveAsManyDigitsAsTheLast() throws {
        let scratch = try Scratch()
        let source = ArraySource(width: 1, height: 1, depth: 10_001, bytesPerVoxel: 1) { z, _, _ in UInt16(z % 2) }
        let layout = try PlaneTIFF(width: 1, height: 1, bitsPerSample: 8, spacing: Self.spacing, description: nil)
        var writer = VolumeWriter(source)
        var progress = try counter(10_001)
        try writer.writePlaneFiles(layout, to: scratch("x"), progress: &progress)
        let names = try scratch.contents
        #expect(names.count == 10_002 && names[1] == "x/00000.tif" && names.last == "x/10000.tif")
    }

    @Test func backgroundTakesNoDisk() throws {
        let scratch = try Scratch()
        let source = ArraySource(width: 1024, height: 2048, depth: 2, bytesPerVoxel: 1) { z, y, x in
            z == 1 && y == 2000 && x == 7 ? 9 : 0
        }
        var writer = VolumeWriter(source)
        var progress = try counter(2)
        try writer.writeArray(to: scratch("x.npy"), progress: &progress)
        var status = stat()
        #expect(stat(scratch("x.npy"), &status) == 0)
        // A band of 128 KiB, the header, and the file system's rounding of both.
        #expect(status.st_size > 4 << 20 && status.st_blocks * 512 <= 1 << 18)
        let bytes = try scratch.bytes("x.npy")
        #expect(bytes[bytes.count - 48 * 1024 + 7] == 9 && bytes.suffix(4 << 20).count { $0 != 0 } == 1)
    }
}
