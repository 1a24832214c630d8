import Layouts
import Testing

/// Any byte range of a file is the same as in the whole file, which is written here voxel by voxel.
@Suite struct ArrayLayoutTests {
    /// Byte `part` of a voxel: no two neighbours are alike.
    static func byte(_ z: Int, _ y: Int, _ x: Int, _ part: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: z &* 101 &+ y &* 29 &+ x &* 7 &+ part &* 131 &+ 3)
    }

    static let names = ["plane 8", "plane 16", "volume 8", "volume 16", "chunk 8", "chunk 16", "npy 8", "npy 16"]

    static func layout(_ name: String) throws -> any ArrayLayout {
        let bits = name.hasSuffix("16") ? 16 : 8
        let element: VoxelType = bits == 16 ? .uint16 : .uint8
        return switch name.prefix(5) {
        case "plane": try PlaneTIFF(width: 37, height: 130, bitsPerSample: bits, spacing: allenSpacing)
        case "volum":
            try VolumeTIFF(width: 33, height: 65, depth: 5, bitsPerSample: bits, spacing: allenSpacing)
        case "chunk": ZarrChunk(voxels: ZYX(z: 8..<12, y: 64..<96, x: 32..<64), element: element)
        default: try NumPyArray(shape: ZYX(z: 4, y: 31, x: 17), element: element)
        }
    }

    @Test(arguments: names) func everyRangeIsAsInTheWholeFile(_ name: String) throws {
        let layout = try Self.layout(name)
        let size = layout.bytesPerVoxel
        var file = layout.headerBytes(0..<Int.max)
        #expect(file.count == layout.headerSize)
        for z in layout.voxels.z {
            for y in layout.voxels.y {
                for x in layout.voxels.x { for part in 0..<size { file.append(Self.byte(z, y, x, part)) } }
            }
        }
        #expect(file.count == layout.fileSize)
        let numbers = testPixels(count: 6000, seed: 7).map(Int.init)
        for index in stride(from: 0, to: numbers.count, by: 5) {
            let start = (numbers[index] << 16 + numbers[index + 1] << 8 + numbers[index + 2]) % (file.count + 100)
            let range = start..<start + (numbers[index + 3] << 8 + numbers[index + 4]) % 6000
            var found = layout.headerBytes(range)
            var planes: [Int] = []
            layout.forEachPiece(in: range) { piece in
                planes.append(piece.plane)
                let line = piece.columns.count * size
                for byte in piece.bytes {
                    found.append(
                        Self.byte(
                            piece.plane, piece.rows.lowerBound + byte / line,
                            piece.columns.lowerBound + byte % line / size, byte % size))
                }
            }
            let expected = file[min(range.lowerBound, file.count)..<min(range.upperBound, file.count)]
            try #require(found == Array(expected), "\(range)")
            #expect(Set(planes).count == planes.count, "one piece for each plane")
        }
    }

    @Test func aPieceIsOfTheRectangleThatTheFileHas() throws {
        let layout = ZarrChunk(voxels: ZYX(z: 32..<64, y: 256..<512, x: 0..<256), element: .uint16)
        var pieces: [PlanePiece] = []
        layout.forEachPiece(in: 131_000..<262_200) { pieces.append($0) }
        #expect(
            pieces == [
                PlanePiece(plane: 32, columns: 0..<256, rows: 256..<512, bytes: 131_000..<131_072),
                PlanePiece(plane: 33, columns: 0..<256, rows: 256..<512, bytes: 0..<131_072),
                PlanePiece(plane: 34, columns: 0..<256, rows: 256..<512, bytes: 0..<56),
            ])
    }
}
