internal import Support

/// For each file whose size can become unknown again, the size in the last reply to the kernel.
///
/// A lookup that may not wait answers with this size. A smaller one would make the kernel cut the pages behind it, and a
/// process that has the file mapped would end by `SIGBUS`.
///
/// Nothing is forgotten. Files of one folder share an entry as long as they have one size, as planes and chunks do, so
/// that a mount keeps some ten numbers a cell.
final class ToldSizes: Sendable {
    private struct Folder {
        /// The size of the file that was told first.
        var common: Int
        /// Files of another size.
        var others: [InodeNumber: Int] = [:]
    }

    private let folders = Monitor<[Node: Folder]>([:])

    /// The size of `node` in the last reply. For a file without a reply, that of another file of its folder; nil where
    /// there is none.
    func size(of node: Node) -> Int? {
        folders.withLock { folders in
            folders[node.sizeFolder].map { $0.others[node.inode] ?? $0.common }
        }
    }

    /// Notes the size of a file, before a reply carries it.
    func note(_ size: Int, of node: Node) {
        folders.withLock { folders in
            let common = folders[node.sizeFolder, default: Folder(common: size)].common
            folders[node.sizeFolder, default: Folder(common: size)].others[node.inode] = size == common ? nil : size
        }
    }
}

extension Node {
    /// The directory whose files commonly have one size; a file that is one of its kind is its own.
    fileprivate var sizeFolder: Node {
        switch self {
        case .plane(let id, let series, _): .planes(id, series)
        case .zarr(let id, let series, _): .zarr(id, series, 0)
        default: self
        }
    }
}
