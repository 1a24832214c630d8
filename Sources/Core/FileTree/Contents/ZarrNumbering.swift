internal import Layouts

/// Numbers the files and directories of an OME-Zarr image, so that an inode number tells which one it is:
///
///     0 root, 1 .zgroup, 2 .zattrs, then for each level:
///     directory, .zarray, the z directories, the z/y directories, the chunks
///
/// `.zmetadata` came later and has the last number an inode can hold, so that no other number changed.
struct ZarrNumbering: Sendable {
    private struct Level {
        var first: Int
        var grid: ZYX<Int>
        var planes: Int { first + 2 }
        var rows: Int { planes + grid.z }
        var chunks: Int { rows + grid.z * grid.y }
        var end: Int { chunks + grid.z * grid.y * grid.x }
    }

    /// The number of `.zmetadata`: the largest of 24 bits, see `InodeCoding`.
    static let consolidatedMetadata = 1 << 24 - 1
    private static let groupAttributes = 2

    /// Whether the number is that of a metadata file that says where the image of labels stands. In `stack.ome.zarr/labels/` it
    /// is another file than in `labels.ome.zarr`; all other files are the same.
    static func namesImage(_ number: Int) -> Bool { number == groupAttributes || number == consolidatedMetadata }

    private let levels: [Level]

    init(_ image: OMEZarrImage) {
        var levels: [Level] = []
        var next = 3
        for level in image.levels {
            let entry = Level(first: next, grid: level.array.chunkGrid)
            next = entry.end
            levels.append(entry)
        }
        self.levels = levels
    }

    /// One more than the largest number but that of `.zmetadata`.
    var count: Int { levels.last?.end ?? 3 }

    func number(of node: OMEZarrNode) -> Int {
        switch node {
        case .root: return 0
        case .groupMetadata: return 1
        case .groupAttributes: return Self.groupAttributes
        case .consolidatedMetadata: return Self.consolidatedMetadata
        case .level(let level): return levels[level].first
        case .arrayMetadata(let level): return levels[level].first + 1
        case .chunkPlane(let level, let z): return levels[level].planes + z
        case .chunkRow(let level, let z, let y): return levels[level].rows + z * levels[level].grid.y + y
        case .chunk(let level, let index):
            let grid = levels[level].grid
            return levels[level].chunks + (index.z * grid.y + index.y) * grid.x + index.x
        }
    }

    func node(_ number: Int) -> OMEZarrNode? {
        switch number {
        case 0: return .root
        case 1: return .groupMetadata
        case Self.groupAttributes: return .groupAttributes
        case Self.consolidatedMetadata: return .consolidatedMetadata
        default: break
        }
        guard let level = levels.lastIndex(where: { $0.first <= number }), number < levels[level].end else {
            return nil
        }
        let entry = levels[level]
        if number == entry.first { return .level(level) }
        if number == entry.first + 1 { return .arrayMetadata(level: level) }
        if number < entry.rows { return .chunkPlane(level: level, z: number - entry.planes) }
        if number < entry.chunks {
            let (z, y) = (number - entry.rows).quotientAndRemainder(dividingBy: entry.grid.y)
            return .chunkRow(level: level, z: z, y: y)
        }
        let (row, x) = (number - entry.chunks).quotientAndRemainder(dividingBy: entry.grid.x)
        let (z, y) = row.quotientAndRemainder(dividingBy: entry.grid.y)
        return .chunk(level: level, index: ZYX(z: z, y: y, x: x))
    }
}
