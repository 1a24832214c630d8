import Layouts
import Morphology
import Support
import TestTools
import Testing
import Volumes

/// Labels as a volume, also of a stack in which planes have no image.
@Suite struct LabelVolumeTests {
    private static let grid = VoxelGrid(width: 21, height: 13, depth: 6, originX: 3, originY: 1)
    private static let gaps: Set<Int> = [0, 3]

    /// A neurite through all planes: rows of every plane have labels, and columns from 8 on have none.
    private static func source(_ variant: LabelVariant) throws -> any LabelSource {
        let nodes = (0..<6).map { index in
            Skeleton.Node(
                id: index, type: 3, x: 7 * 0.1144, y: 7 * 0.1144, z: Double(index) * 0.28, radius: 0.3,
                parent: index - 1)
        }
        var options = LabelOptions()
        (options.clip, options.sigma) = (0.2, 0.2)
        return try variant.source(of: Skeleton(nodes: nodes), markers: [], in: grid, options: options)
    }

    private static func volume(_ source: any LabelSource, _ variant: LabelVariant, gaps: Set<Int>) -> LabelVolume {
        LabelVolume(
            source, variant: variant, gaps: gaps, watch: VersionWatch(isCurrent: { true }, hasChanged: { false }))
    }

    /// What the gaps of each variant hold, byte by byte.
    static let gapBytes: [LabelVariant: UInt8] = [
        .classes: 255, .classes3: 255, .binary: 255, .instance: 255, .centerline: 255, .distance: 0, .nodes: 0,
        .ignore: 255,
    ]

    /// The planes of a source with gaps, byte by byte.
    private static func planes(_ source: any LabelSource, _ variant: LabelVariant, _ gaps: Set<Int>) throws -> [[UInt8]]
    {
        let byte = try #require(gapBytes[variant])
        return (0..<6).map {
            gaps.contains($0) ? [UInt8](repeating: byte, count: source.planeBytes) : source.plane($0)
        }
    }

    @Test(arguments: LabelVariant.allCases, [gaps, []])
    func everyPieceIsThatOfThePlanes(_ variant: LabelVariant, _ gaps: Set<Int>) throws {
        let source = try Self.source(variant)
        let volume = Self.volume(source, variant, gaps: gaps)
        let planes = try Self.planes(source, variant, gaps)
        let size = source.bytesPerVoxel
        // Peaks are at the ends of the neurite alone.
        #expect(variant == .nodes || planes.allSatisfy { $0.contains { $0 > 0 } || gaps == Self.gaps })
        for piece in Pieces(400, of: volume, seed: 11) {
            let line = piece.columns.count * size
            let expected = piece.bytes.map { byte -> UInt8 in
                let (y, x) = (piece.rows.lowerBound + byte / line, piece.columns.lowerBound + byte % line / size)
                let isInside = 0..<6 ~= piece.plane && 0..<13 ~= y && 0..<21 ~= x
                return isInside ? planes[piece.plane][(y * 21 + x) * size + byte % size] : 0
            }
            try #require(volume.gives(expected, for: piece), "\(piece)")
            #expect(volume.cost(of: piece) == .memory)
        }
    }

    @Test(arguments: LabelVariant.allCases) func aBoxIsEmptyWhenAllOfItsVoxelsAre0(_ variant: LabelVariant) throws {
        let source = try Self.source(variant)
        let volume = Self.volume(source, variant, gaps: Self.gaps)
        let planes = try Self.planes(source, variant, Self.gaps)
        let size = source.bytesPerVoxel
        for first in 0..<6 {
            for z in [first..<first + 1, first..<first + 2, first..<9] {
                for (x, y) in [
                    (0..<21, 0..<13), (12..<21, 0..<13), (12..<40, 9..<20), (21..<40, 0..<13), (0..<9, 13..<15),
                ] {
                    let isEmpty = z.clamped(to: 0..<6).allSatisfy { plane in
                        y.clamped(to: 0..<13).allSatisfy { row in
                            x.clamped(to: 0..<21).allSatisfy { column in
                                let voxel = (row * 21 + column) * size
                                return planes[plane][voxel..<voxel + size].allSatisfy { $0 == 0 }
                            }
                        }
                    }
                    #expect(volume.isEmpty(ZYX(z: z, y: y, x: x)) == isEmpty, "\(z), \(y), \(x)")
                }
            }
        }
    }

    @Test func theGeometryIsThatOfTheGrid() throws {
        let volume = Self.volume(try Self.source(.instance), .instance, gaps: [])
        #expect(volume.geometry.shape == ZYX(z: 6, y: 13, x: 21))
        #expect(volume.geometry.spacing == ZYX(z: 0.28, y: 0.1144, x: 0.1144))
        #expect(volume.geometry.origin == ZYX(z: 0, y: 0.1144, x: 3 * 0.1144))
        #expect(volume.element == .uint16)
    }

    @Test(arguments: 0...4) func levelsOfTheGridAndOfTheGeometryAgree(_ level: Int) throws {
        let (drawn, computed) = (VolumeGeometry(Self.grid.level(level)), VolumeGeometry(Self.grid).level(level))
        #expect(drawn.shape == computed.shape)
        for (left, right) in zip(
            drawn.spacing.array + drawn.origin.array, computed.spacing.array + computed.origin.array)
        { #expect(abs(left - right) < 1e-12) }
    }

    @Test func labelsHaveNoBlocks() throws {
        let volume = Self.volume(try Self.source(.classes), .classes, gaps: [])
        let box = ZYX(z: 0..<6, y: 0..<13, x: 0..<21)
        #expect(try volume.countBlocks(in: box, forgets: true, token: CancellationToken()).wait().get() == BlockCount())
    }
}
