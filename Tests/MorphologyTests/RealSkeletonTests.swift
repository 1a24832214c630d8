import Glibc
import Morphology
import Support
import Testing

/// The Allen Institute's files, when the machine has them: `$NEURONFS_REAL_DATA`, or shared/allen beside the
/// repository.
enum RealData {
    static let folder: String = {
        if let path = getenv("NEURONFS_REAL_DATA") { return String(cString: path) }
        return #filePath.split(separator: "/").dropLast(4).reduce("") { path, part in "\(path)/\(part)" }
            + "/shared/allen"
    }()

    /// `nil` when the file does not exist.
    static func bytes(_ name: String) -> [UInt8]? {
        guard let file = fopen("\(folder)/\(name)", "rb") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        return bytes
    }

    /// A cell of the folder with the size of its planes: the catalogue's si__width and si__height less 2, the inset of
    /// a SubImage.
    struct Cell: Sendable, CustomStringConvertible {
        var id: Int
        var width: Int
        var height: Int
        /// Planes; 0 when they are counted from the deepest node.
        var depth = 0
        /// CRC-32C of the runs of `classes`, see `RealSkeletonTests.checksum`.
        var golden: UInt32
        var description: String { "\(id)" }

        func skeleton() throws -> Skeleton? { try RealData.bytes("swc/\(id).swc").map { try Skeleton.parse($0) } }

        func grid(for skeleton: Skeleton) -> VoxelGrid {
            let planes = depth > 0 ? depth : Int(skeleton.bounds.z.upperBound / 0.28) + 10
            return VoxelGrid(width: width, height: height, depth: planes, originX: 1, originY: 1)
        }
    }

    /// The expected values come from `Benchmarks/labels/reference.py`, which evaluates another closed form for every
    /// voxel.
    static let cells = [
        Cell(id: 313_862_022, width: 5760, height: 7568, depth: 627, golden: 0xB5B1_E86B),
        Cell(id: 485_909_730, width: 5742, height: 7581, golden: 0x020E_050A),
        Cell(id: 323_865_917, width: 5760, height: 9441, golden: 0x80E5_1C50),
        Cell(id: 480_114_344, width: 7572, height: 7577, golden: 0x1A05_2A5F),
        Cell(id: 323_452_196, width: 7595, height: 7590, golden: 0xC53E_0197),
        Cell(id: 466_664_172, width: 5768, height: 7594, golden: 0xC4D6_0551),
        Cell(id: 313_862_306, width: 5730, height: 5735, golden: 0x78FB_F15C),
        Cell(id: 313_862_167, width: 7581, height: 5746, golden: 0xF4AB_E9BB),
        Cell(id: 508_405_843, width: 11270, height: 9423, golden: 0x6D9D_C5E5),
        Cell(id: 529_878_215, width: 7605, height: 9433, golden: 0xCEBC_C064),
    ]
}

@Suite struct RealSkeletonTests {
    /// CRC-32C over plane, row, first column, column after the last and value of every run, 32 bits each, little
    /// endian.
    static func checksum(_ source: any LabelSource) -> UInt32 {
        var bytes: [UInt8] = []
        for plane in 0..<source.grid.depth {
            source.forEachRun(plane: plane, rows: 0..<source.grid.height) { run in
                for field in [plane, run.row, run.columns.lowerBound, run.columns.upperBound, Int(run.value)] {
                    for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: field >> shift)) }
                }
            }
        }
        return CRC32C.checksum(bytes)
    }

    @Test(arguments: RealData.cells)
    func golden(_ cell: RealData.Cell) throws {
        guard let skeleton = try cell.skeleton() else { return }
        let grid = cell.grid(for: skeleton)
        #expect(grid.refusal(of: skeleton) == nil)
        let index = try RunIndex(skeleton, grid: grid)
        #expect(Self.checksum(index) == cell.golden, "\(index.runCount) runs, \(index.voxelCount) voxels")
        #expect(ConnectivityTests.components(index) <= skeleton.roots.count)
    }

    /// Compares boxes around nodes of every part of the file with the brute-force evaluation.
    @Test(arguments: RealData.cells)
    func crops(_ cell: RealData.Cell) throws {
        guard let skeleton = try cell.skeleton() else { return }
        let grid = cell.grid(for: skeleton)
        let index = try RunIndex(skeleton, grid: grid)
        let oracle = Oracle(skeleton.nodes, grid)
        let pieces = oracle.pieces
        var random = SplitMix(cell.id)
        for _ in 0..<6 {
            let node = skeleton.nodes[random.below(skeleton.nodes.count)]
            let x = Int(node.x / grid.spacingX) - 1 - random.below(20)
            let y = Int(node.y / grid.spacingY) - 1 - random.below(16)
            let z = Int(node.z / grid.spacingZ) - random.below(5)
            let box = (x: x..<(x + 20), y: y..<(y + 16), z: max(z, 0)..<(max(z, 0) + 5))
            #expect(
                index.box(x: box.x, y: box.y, z: box.z)
                    == oracle.volume(x: box.x, y: box.y, z: box.z, pieces: pieces), "node \(node.id)")
        }
    }

    @Test func theUprightFileIsRefused() throws {
        guard let bytes = RealData.bytes("swc/694146546_upright_NOT_image_frame.swc") else { return }
        let frame = VoxelGrid(width: 8000, height: 8000, depth: 700)
        #expect(try #require(frame.refusal(of: Skeleton.parse(bytes))).contains("upright"))
    }

    /// Markers coincide with nodes after the subtraction of one voxel.
    @Test(arguments: RealData.cells)
    func markersLieOnNodes(_ cell: RealData.Cell) throws {
        guard let skeleton = try cell.skeleton(), let bytes = RealData.bytes("markers/\(cell.id)_marker.swc") else {
            return
        }
        let cuts = try Marker.parse(bytes).filter { $0.kind == .cutDendrite || $0.kind == .noReconstruction }
        let onNode = cuts.count { cut in
            skeleton.nodes.contains { abs($0.x - cut.x) + abs($0.y - cut.y) + abs($0.z - cut.z) < 1e-3 }
        }
        #expect(!cuts.isEmpty && onNode * 10 >= cuts.count * 9, "\(onNode) of \(cuts.count)")
    }

    @Test func emptyMarkerNamesAreRead() throws {
        guard let bytes = RealData.bytes("markers/529898751_marker.swc") else { return }
        let markers = try Marker.parse(bytes)
        #expect(markers.count == 13 && markers.allSatisfy { $0.type == nil })
    }
}
