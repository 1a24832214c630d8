import Morphology
import Support
import Testing

@testable import LabelWriting

/// An OME-Zarr directory, read back by hand from the Zarr 2 specification.
@Suite struct ZarrWriterTests {
    /// The voxels of the array at `name`, (z, y, x), and the paths of its chunks.
    private func array(_ scratch: Scratch, _ name: String) throws -> (
        shape: [Int], voxels: [UInt16], chunks: Set<String>
    ) {
        let metadata = try scratch.json("\(name)/.zarray")
        let shape = try #require(metadata["shape"]?.arrayValue).compactMap(\.intValue)
        let sides = try #require(metadata["chunks"]?.arrayValue).compactMap(\.intValue)
        #expect(metadata["order"] == .string("C") && metadata["compressor"] == .null && metadata["filters"] == .null)
        #expect(metadata["fill_value"]?.intValue == 0 && metadata["dimension_separator"] == .string("/"))
        #expect(metadata["zarr_format"]?.intValue == 2)
        let width = metadata["dtype"] == .string("<u2") ? 2 : 1
        #expect(width == 2 || metadata["dtype"] == .string("|u1"))
        var voxels = [UInt16](repeating: 0, count: shape[0] * shape[1] * shape[2])
        let chunks = try Set(
            scratch.contents.filter { $0.hasPrefix("\(name)/") && $0.split(separator: "/").count == 5 })
        for chunk in chunks {
            let index = chunk.split(separator: "/").suffix(3).compactMap { Int($0) }
            let bytes = try scratch.bytes(chunk)
            try #require(bytes.count == sides[0] * sides[1] * sides[2] * width)
            let columns = min(sides[2], shape[2] - index[2] * sides[2])
            for row in 0..<(sides[0] * sides[1]) {
                let z = index[0] * sides[0] + row / sides[1]
                let y = index[1] * sides[1] + row % sides[1]
                let isInside = z < shape[0] && y < shape[1]
                let start = row * sides[2] * width
                let inside = isInside ? start..<(start + columns * width) : start..<start
                try #require(
                    bytes[inside.upperBound..<(start + sides[2] * width)].allSatisfy { $0 == 0 }, "beyond the volume")
                let first = (z * shape[1] + y) * shape[2] + index[2] * sides[2]
                for column in 0..<(inside.count / width) {
                    let at = start + column * width
                    voxels[first + column] = UInt16(bytes[at]) | (width == 2 ? UInt16(bytes[at + 1]) << 8 : 0)
                }
            }
        }
        return (shape, voxels, chunks)
    }

    @Test(arguments: [LabelVariant.classes, .instance])
    func everyChunkHasItsVoxels(_ variant: LabelVariant) throws {
        let scratch = try Scratch()
        let width = variant.bytesPerVoxel
        let source = ArraySource(width: 270, height: 260, depth: 34, bytesPerVoxel: width) { z, y, x in
            // Two of the chunks of 32 x 256 x 256 stay background.
            guard (z ^ y ^ x) & 7 == 0, !(z >= 32 && y >= 256), y < 256 || x < 256 else { return 0 }
            return UInt16((z * 7 + y * 3 + x) % (width == 2 ? 60_000 : 250)) + 1
        }
        let writer = try ZarrWriter(grid: source.grid, variant: variant, name: "x.zarr")
        // The coarser levels have sources of their own, of the size of their grid.
        var coarser: [ArraySource] = []
        var steps: [Int] = []
        var progress = try ProgressCounter(LabelProgress(unit: .chunks, total: writer.chunkCount)) {
            steps.append($0.done)
            return true
        }
        try writer.write(source, to: scratch("x.zarr"), progress: &progress) { grid in
            coarser.append(
                .scattered(width: grid.width, height: grid.height, depth: grid.depth, bytesPerVoxel: width))
            return coarser[coarser.count - 1]
        }
        #expect(writer.levels.count == coarser.count + 1 && !coarser.isEmpty)
        for (level, expected) in ([source] + coarser).enumerated() {
            let (shape, voxels, chunks) = try array(scratch, "x.zarr/\(level)")
            #expect(shape == [expected.grid.depth, expected.grid.height, expected.grid.width])
            #expect(voxels == expected.voxels)
            if level == 0 {
                #expect(chunks == Set(["0/0/0", "0/0/1", "0/1/0", "1/0/0", "1/0/1"].map { "x.zarr/0/\($0)" }))
            }
        }
        #expect(steps.first == 0 && steps.last == writer.chunkCount && steps == steps.sorted())
    }

    @Test func levelsHalveColumnsAndRows() throws {
        let grid = VoxelGrid(
            width: 1000, height: 600, depth: 5, spacingX: 0.5, spacingY: 0.25, spacingZ: 2, originX: 3, originY: 1,
            originZ: -1)
        let scratch = try Scratch()
        let writer = try ZarrWriter(grid: grid, variant: .binary, name: "x.zarr")
        var progress = try ProgressCounter(LabelProgress(unit: .chunks, total: writer.chunkCount)) { _ in true }
        var grids = [grid]
        func empty(_ grid: VoxelGrid) -> ArraySource {
            ArraySource(width: grid.width, height: grid.height, depth: grid.depth, bytesPerVoxel: 1) { _, _, _ in 0 }
        }
        try writer.write(empty(grid), to: scratch("x.zarr"), progress: &progress) { grid in
            grids.append(grid)
            return empty(grid)
        }
        let image = try #require(try scratch.json("x.zarr/.zattrs")["multiscales"]?.arrayValue?.first)
        let sets = try #require(image["datasets"]?.arrayValue)
        #expect(sets.map { $0["path"]?.stringValue } == ["0", "1", "2"] && grids.count == 3)
        for (level, set) in sets.enumerated() {
            let factor = Double(1 << level)
            let steps = try #require(set["coordinateTransformations"]?.arrayValue)
            #expect(steps[0]["scale"]?.arrayValue?.compactMap(\.doubleValue) == [2, 0.25 * factor, 0.5 * factor])
            // The centre of the first voxel of a level is the centre of the voxels of level 0 that it covers.
            let shift = (factor - 1) / 2
            #expect(
                steps[1]["translation"]?.arrayValue?.compactMap(\.doubleValue)
                    == [-2, 0.25 * (1 + shift), 0.5 * (3 + shift)])
        }
        let files = try scratch.contents.filter { !$0.hasSuffix("/.zarray") && $0.contains("/") }
        #expect(
            Set(files) == ["x.zarr/.zgroup", "x.zarr/.zattrs", "x.zarr/.zmetadata", "x.zarr/0", "x.zarr/1", "x.zarr/2"])
    }
}
