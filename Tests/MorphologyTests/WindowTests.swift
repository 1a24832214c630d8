import Morphology
import Testing

/// Every way of reading a source gives the bytes of the planes that the oracle has checked.
@Suite struct WindowTests {
    static let grid = VoxelGrid(width: 45, height: 31, depth: 9, originX: 1, originY: 1)

    static func source(_ variant: LabelVariant, seed: Int) throws -> any LabelSource {
        let nodes = NeuronGenerator.awkward(seed, count: 10, in: grid)
        var options = LabelOptions()
        options.clip = 0.5
        options.sigma = 0.2
        options.ignoreRadius = 0.6
        let markers = [
            Marker(x: nodes[0].x, y: nodes[0].y, z: nodes[0].z, type: 10), Marker(x: 2, y: 2, z: 1, type: 20),
        ]
        return try variant.source(of: Skeleton(nodes: nodes), markers: markers, in: grid, options: options)
    }

    @Test(arguments: LabelVariant.allCases)
    func byteRanges(_ variant: LabelVariant) throws {
        let source = try Self.source(variant, seed: 1)
        var random = SplitMix(21)
        let size = source.planeBytes
        for _ in 0..<150 {
            let plane = random.below(Self.grid.depth)
            let whole = source.plane(plane)
            let start = random.below(size)
            // Short ranges inside a row and a voxel, ranges over many rows, and the empty range.
            let count = min(random.chance(0.5) ? random.below(12) : random.below(size), size - start)
            var bytes = [UInt8](repeating: 0xA5, count: count + 2)
            bytes.withUnsafeMutableBytes { buffer in
                source.paint(
                    plane: plane, bytes: start..<(start + count),
                    into: UnsafeMutableRawBufferPointer(rebasing: buffer[1..<(count + 1)]))
            }
            #expect(bytes == [0xA5] + whole[start..<(start + count)] + [0xA5], "plane \(plane), \(start) + \(count)")
        }
    }

    @Test(arguments: LabelVariant.allCases)
    func windowsInsideAndOutsideTheGrid(_ variant: LabelVariant) throws {
        let source = try Self.source(variant, seed: 2)
        let all = source.allVoxels
        var random = SplitMix(22)
        for _ in 0..<60 {
            let x = random.below(70) - 15
            let y = random.below(50) - 10
            let z = random.below(14) - 3
            let (xs, ys, zs) = (x..<(x + random.below(40)), y..<(y + random.below(30)), z..<(z + random.below(4)))
            let expected = zs.flatMap { k in
                ys.flatMap { j in
                    xs.map { i in
                        (0..<45).contains(i) && (0..<31).contains(j) && (0..<9).contains(k)
                            ? all[(k * 31 + j) * 45 + i] : 0
                    }
                }
            }
            #expect(source.box(x: xs, y: ys, z: zs) == expected, "\(xs) \(ys) \(zs)")
            #expect(source.isEmpty(planes: zs, x: xs, y: ys) == expected.allSatisfy { $0 == 0 }, "\(xs) \(ys) \(zs)")
        }
    }

    @Test(arguments: LabelVariant.allCases)
    func runsAreTheMaximalRuns(_ variant: LabelVariant) throws {
        let source = try Self.source(variant, seed: 3)
        for plane in 0..<Self.grid.depth {
            let voxels = type(of: source).values(source.plane(plane), source.bytesPerVoxel)
            var expected: [LabelRun] = []
            for row in 4..<29 {
                var column = 0
                while column < 45 {
                    let value = voxels[row * 45 + column]
                    var end = column + 1
                    while end < 45 && voxels[row * 45 + end] == value { end += 1 }
                    if value != 0 { expected.append(LabelRun(row: row, columns: column..<end, value: UInt16(value))) }
                    column = end
                }
            }
            #expect(source.runs(plane: plane, rows: 4..<29) == expected)
        }
        #expect(source.runs(plane: -1).isEmpty)
        #expect(source.runs(plane: 9).isEmpty)
        #expect(source.runs(plane: 4, rows: 31..<40).isEmpty)
        #expect(source.footprint > 0)
    }

    @Test func planesOutsideTheGridAreBackground() throws {
        for variant in LabelVariant.allCases {
            let source = try Self.source(variant, seed: 4)
            #expect(source.plane(-1).allSatisfy { $0 == 0 })
            #expect(source.plane(9).allSatisfy { $0 == 0 })
        }
    }
}
