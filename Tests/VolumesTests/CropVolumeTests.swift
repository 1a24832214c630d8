import Layouts
import Support
import TestTools
import Testing
import Volumes

/// Random pieces of a volume, also such as reach beyond it.
struct Pieces: IteratorProtocol, Sequence {
    private let shape: ZYX<Int>
    private let bytesPerVoxel: Int
    private var random: Seeded
    private var left: Int

    init(_ count: Int, of volume: any Volume, seed: UInt64) {
        shape = volume.geometry.shape
        bytesPerVoxel = volume.element.byteCount
        random = Seeded(seed)
        left = count
    }

    private mutating func range(_ side: Int) -> Range<Int> {
        // Every fourth is the whole side, as most layouts have it.
        if Int.random(in: 0..<4, using: &random) == 0 { return 0..<side }
        let start = Int.random(in: -side / 2..<side + side / 2 + 1, using: &random)
        return start..<start + Int.random(in: 1...side + 3, using: &random)
    }

    mutating func next() -> PlanePiece? {
        guard left > 0 else { return nil }
        left -= 1
        let (columns, rows) = (range(shape.x), range(shape.y))
        let size = columns.count * rows.count * bytesPerVoxel
        let start = Int.random(in: 0..<size, using: &random)
        return PlanePiece(
            plane: Int.random(in: -1...shape.z, using: &random), columns: columns, rows: rows,
            bytes: start..<Int.random(in: start + 1...size, using: &random))
    }
}

@Suite struct CropVolumeTests {
    static let boxes = [
        ZYX(z: 0..<4, y: 0..<23, x: 0..<19), ZYX(z: 1..<3, y: 5..<17, x: 3..<4), ZYX(z: 3..<4, y: 22..<23, x: 0..<19),
        ZYX(z: 2..<6, y: 10..<40, x: -4..<8),
    ]

    @Test(arguments: boxes, [VoxelType.uint8, .uint16])
    func everyPieceIsThatOfTheBox(_ box: VoxelBox, _ element: VoxelType) throws {
        let base = MemoryVolume(shape: ZYX(z: 4, y: 23, x: 19), element: element)
        let crop = CropVolume(base, to: box)
        #expect(crop.geometry.shape == box.map(\.count) && crop.element == element)
        for piece in Pieces(600, of: crop, seed: 5) {
            let line = piece.columns.count * element.byteCount
            let expected = piece.bytes.map { byte -> UInt8 in
                let voxel = ZYX(
                    z: piece.plane, y: piece.rows.lowerBound + byte / line,
                    x: piece.columns.lowerBound + byte % line / element.byteCount)
                let isInside = voxel.zip(crop.geometry.shape) { 0..<$1 ~= $0 }.array.allSatisfy(\.self)
                let moved = voxel.zip(box) { $0 + $1.lowerBound }
                return isInside ? base.byte(moved.z, moved.y, moved.x, byte % element.byteCount) : 0
            }
            try #require(crop.gives(expected, for: piece), "\(piece)")
            #expect(crop.cost(of: piece) == .memory)
        }
    }

    @Test func nothingIsInMemoryBeforeItIsRead() {
        let base = MemoryVolume(shape: ZYX(z: 2, y: 40, x: 9))
        let crop = CropVolume(base, to: ZYX(z: 1..<2, y: 10..<30, x: 2..<8))
        let piece = PlanePiece(plane: 0, columns: -1..<6, rows: 0..<20, bytes: 0..<20)
        #expect(crop.cost(of: piece) == .request)
        _ = crop.read(piece, token: CancellationToken()).wait()
        #expect(base.pieces == [PlanePiece(plane: 1, columns: 2..<8, rows: 10..<13, bytes: 0..<18)])
        #expect(crop.cost(of: piece) == .memory)
        // Rows 0..<16 of the volume are read together, and so rows -10..<6 of the crop.
        #expect(crop.rowsFetched(with: 0) == -10..<6 && crop.rowsFetched(with: 6) == 6..<22)
    }

    @Test func aBoxBeyondTheCropIsEmptyAndHasNoBlocks() throws {
        let base = MemoryVolume(shape: ZYX(z: 3, y: 40, x: 9))
        let crop = CropVolume(base, to: ZYX(z: 1..<3, y: 10..<30, x: 2..<8))
        #expect(crop.isEmpty(ZYX(z: 2..<3, y: 0..<5, x: 0..<5)) == true)
        #expect(crop.isEmpty(ZYX(z: 0..<1, y: -9..<0, x: 0..<5)) == true)
        #expect(crop.isEmpty(ZYX(z: -1..<1, y: -9..<5, x: 3..<5)) == false)
        func blocks(_ box: VoxelBox) throws -> Int {
            try crop.countBlocks(in: box, forgets: false, token: CancellationToken()).wait().get().blocks
        }
        // Rows 10..<30 of planes 1 and 2 lie in bands 0 and 1 of 16 rows.
        #expect(try blocks(ZYX(z: 0..<9, y: 0..<99, x: 0..<9)) == 4)
        #expect(try blocks(ZYX(z: 2..<9, y: 0..<99, x: 0..<9)) == 0)
    }

    @Test func aChangeOfTheVolumeIsOneOfTheCrop() {
        let base = MemoryVolume(shape: ZYX(z: 4, y: 1, x: 1))
        let crop = CropVolume(base, to: ZYX(z: 1..<3, y: 0..<1, x: 0..<1))
        base.change(0)
        #expect(crop.isCurrent)
        base.change(2)
        #expect(!crop.isCurrent && crop.hasChanged)
        #expect(crop.isCurrent(0..<1) && !crop.isCurrent(1..<2))
    }
}
