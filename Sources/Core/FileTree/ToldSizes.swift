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
        var others: [Node: Int] = [:]
    }

    private let folders = Monitor<[Node: Folder]>([:])

    /// The size of `file` in the last reply. For a file without a reply, that of another file of its folder; nil where
    /// there is none.
    func size(of file: any Entry) -> Int? {
        guard let folder = file.sizeFolder else { return nil }
        return folders.withLock { folders in folders[folder].map { $0.others[file.node] ?? $0.common } }
    }

    /// Notes the size of a file, before a reply carries it.
    func note(_ size: Int, of file: any Entry) {
        guard let folder = file.sizeFolder else { return }
        folders.withLock { folders in
            let common = folders[folder, default: Folder(common: size)].common
            folders[folder, default: Folder(common: size)].others[file.node] = size == common ? nil : size
        }
    }
}
