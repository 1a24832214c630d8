import Morphology
import Support
import Testing

@Suite struct RunIndexCodingTests {
    static func index(_ seed: Int) throws -> RunIndex {
        let grid = VoxelGrid(width: 60, height: 50, depth: 12, originX: 1, originY: 0.5)
        return try RunIndex(Skeleton(nodes: NeuronGenerator.awkward(seed, count: 12, in: grid)), grid: grid)
    }

    @Test func whatIsWrittenIsRead() throws {
        for seed in 0..<4 {
            let index = try Self.index(seed)
            let decoded = try RunIndex(decoding: index.encoded())
            #expect(decoded.grid == index.grid)
            #expect(decoded.allVoxels == index.allVoxels)
            #expect(decoded.runCount == index.runCount && decoded.footprint == index.footprint)
            #expect(decoded.occupiedPlanes == index.occupiedPlanes)
            #expect(index.voxelCount == index.allVoxels.count { $0 != 0 })
        }
    }

    @Test func sectionIdsKeepTwoBytes() throws {
        let grid = VoxelGrid(width: 60, height: 50, depth: 12)
        let skeleton = try Skeleton(nodes: NeuronGenerator.awkward(5, count: 12, in: grid))
        let index = try #require(try LabelVariant.instance.source(of: skeleton, in: grid) as? RunIndex)
        let decoded = try RunIndex(decoding: index.encoded())
        #expect(decoded.bytesPerVoxel == 2)
        #expect(decoded.allVoxels == index.allVoxels)
    }

    @Test func everyDamagedByteIsNoticed() throws {
        let bytes = try Self.index(1).encoded()
        var random = SplitMix(3)
        for position in Array(0..<120) + (0..<300).map({ _ in random.below(bytes.count) }) + [bytes.count - 1] {
            var damaged = bytes
            damaged[position] ^= UInt8(1 << random.below(8))
            #expect(throws: RunIndexCodingError.self, "byte \(position)") { try RunIndex(decoding: damaged) }
        }
        for count in [0, 7, 8, 95, 103, 104, 200, bytes.count - 1] {
            #expect(throws: RunIndexCodingError.self) { try RunIndex(decoding: Array(bytes.prefix(count))) }
        }
        #expect(throws: RunIndexCodingError.self) { try RunIndex(decoding: bytes + [0]) }
    }

    /// A file whose checksum is right and whose runs are not must not paint outside its buffer.
    @Test func contradictionsUnderAValidChecksumAreNoticed() throws {
        let index = try Self.index(2)
        let bytes = index.encoded()
        let runs = 96 + 4 * 13
        func resealed(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
            var body = Array(bytes.dropLast(4))
            change(&body)
            let sum = CRC32C.checksum(body)
            return body + (0..<4).map { UInt8(truncatingIfNeeded: sum >> (8 * $0)) }
        }
        #expect(try RunIndex(decoding: resealed { _ in }).allVoxels == index.allVoxels)
        // Bytes of a run from the lowest: value, last column, first column, row.
        let changes: [(inout [UInt8]) -> Void] = [
            { $0[runs + 2] = 60 }, { $0[runs + 7] = 1 }, { $0[runs + 0] = 0 }, { $0[runs + 1] = 1 },
            { $0[runs + 4] = 59 },
            { $0[96] = 1 }, { $0[96 + 4 * 12] &+= 1 }, { $0[96 + 4 * 5 + 3] = 0x7F }, { $0[8] = 10 }, { $0[32] = 3 },
            { $0.swapAt(runs + 6, runs + 14) },
        ]
        for (number, change) in changes.enumerated() {
            let sealed = resealed(change)
            guard sealed != bytes else { continue }
            #expect(throws: RunIndexCodingError.self, "change \(number)") { try RunIndex(decoding: sealed) }
        }
    }
}
