package import Specimens

/// A place where the folder of a specimen stands, besides its own place in `mouse/`, `human/` or a folder of its source.
///
/// A view has the names and bytes of the specimen's own folder. Each of its directories has an inode number of its own. Its
/// files are those of the own folder, under more names: hard links.
package enum View: Hashable, Sendable {
    /// `trainable/<collection>/<folder>/`
    case trainable(Int)
    /// `splits/<part>/<name>/`
    case split(SplitPart, Int)

    /// The id of the specimen.
    var specimen: Int {
        switch self {
        case .trainable(let id), .split(_, let id): id
        }
    }

    /// The directory in which the folder stands; nil where the list of cells does not have the specimen.
    func parent(_ index: TreeIndex) -> (any FolderOfViews)? {
        switch self {
        case .trainable(let id): index.snapshot[id].map { TrainableCollection(name: $0.place.collection) }
        case .split(let part, _): SplitFolder(part: part)
        }
    }

    /// The path of the folder below the mount point; nil where the list of cells does not have it.
    func path(_ index: TreeIndex) -> String? {
        guard index.views(of: specimen).contains(self), let parent = parent(index), let path = parent.path(index),
            let name = parent.name(of: specimen, index)
        else { return nil }
        return "\(path)/\(name)"
    }

    /// The path in this view of what has `path` in the specimen's own folder; nil where the list of cells has no such view.
    func path(ofOwn path: String, _ index: TreeIndex) -> String? {
        guard let own = SpecimenFolder(id: specimen).path(index), let view = self.path(index), path.hasPrefix(own)
        else { return nil }
        return view + path.dropFirst(own.count)
    }
}
