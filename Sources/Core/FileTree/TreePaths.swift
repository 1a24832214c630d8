internal import OMEZarr
internal import Specimens

// Names of inodes, for the log.
extension Tree {
    /// The path of `inode` below the mount point, "." for the mount point itself. Of a store of which nothing is in memory
    /// only the store is named.
    package func path(of inode: InodeNumber) -> String? { Node(inode).flatMap(path(of:)) }

    private func path(of node: Node) -> String? {
        let index = currentIndex
        switch node {
        case .root: return "."
        case .topFile(let file): return file.name
        case .control: return ".neuronfs"
        case .controlFile(let file): return ".neuronfs/\(file.name)"
        case .species(let species): return species.rawValue
        case .specimen(let id): return folder(id, index)
        case .specimenFile(let id, let file): return folder(id, index).map { "\($0)/\(file.name)" }
        case .planes(let id, let series): return folder(id, index).map { "\($0)/\(series.folder)" }
        case .plane(let id, let series, let plane):
            return folder(id, index).map { "\($0)/\(series.folder)/\(PlaneNames.name(plane))" }
        case .projections(let id): return folder(id, index).map { "\($0)/projections" }
        case .projection(let id, let file): return folder(id, index).map { "\($0)/projections/\(file.name)" }
        case .zarr(let id, let series, let number):
            return folder(id, index).map { "\($0)/\(series.folder).ome.zarr\(place(number, in: series, of: id))" }
        case .trainable: return "trainable"
        case .trainableSpecies(let species): return "trainable/\(species.rawValue)"
        case .grouping(let grouping): return grouping.folder
        case .group(let grouping, let hash):
            return index.group(grouping, hash: hash).map { "\(grouping.folder)/\($0.name)" }
        case .splits: return "splits"
        case .split(let split): return "splits/\(split.rawValue)"
        // Nothing that is slow or fails is done with a link.
        case .link(_, let id): return folder(id, index).map { "link to \($0)" }
        }
    }

    private func folder(_ id: Int, _ index: TreeIndex) -> String? {
        index.snapshot[id].map { "\($0.species.rawValue)/\(id)" }
    }

    /// The path of node `number` below its store, with a slash before it.
    private func place(_ number: Int, in series: Series, of id: Int) -> String {
        guard let context = cachedContext(id), let node = zarrStore(context, series)?.node(number) else { return "" }
        return node.components.map { "/\($0)" }.joined()
    }
}

extension OMEZarrNode {
    /// The names that lead to this node from its store's root.
    fileprivate var components: [String] {
        switch self {
        case .root: []
        case .groupMetadata: [".zgroup"]
        case .groupAttributes: [".zattrs"]
        case .consolidatedMetadata: [".zmetadata"]
        case .level(let level): ["\(level)"]
        case .arrayMetadata(let level): ["\(level)", ".zarray"]
        case .chunkPlane(let level, let z): ["\(level)", "\(z)"]
        case .chunkRow(let level, let z, let y): ["\(level)", "\(z)", "\(y)"]
        case .chunk(let level, let index): ["\(level)", "\(index.z)", "\(index.y)", "\(index.x)"]
        }
    }
}
