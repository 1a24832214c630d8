internal import Support

/// A directory in a view of a specimen: the same names as in the specimen's own folder, under an inode number of its own.
struct ViewFolder<Own: Entry>: Folder {
    let view: View
    /// The same directory in the specimen's own folder.
    let own: Own

    var node: Node { .view(view, own.node) }

    func path(_ tree: TreeState) -> String? {
        own.path(tree).flatMap { view.path(ofOwn: $0, tree.index) }
    }

    /// A store numbers its files and directories alike, so that a file of a store may have been taken for a directory.
    func settled(_ tree: TreeState, token: CancellationToken) -> Answer<any Entry> {
        own.settled(tree, token: token).flatMap { own in
            Promise(own.kind == .directory ? .success(own.folder(in: view)) : .failure(.notFound))
        }
    }

    func known(_ tree: TreeState) -> Knowledge { exists(tree) ? own.known(tree) : .absent }

    func facts(_ tree: TreeState, token: CancellationToken) -> Answer<Facts> {
        exists(tree) ? own.facts(tree, token: token) : Promise(.failure(.notFound))
    }

    func child(_ name: String, _ tree: TreeState, token: CancellationToken) -> Answer<any Entry> {
        guard exists(tree) else { return Promise(.failure(.notFound)) }
        return own.child(name, tree, token: token).map { $0.seen(in: view) }
    }

    func children(_ tree: TreeState, token: CancellationToken) -> Answer<[Child]> {
        guard exists(tree) else { return Promise(.failure(.notFound)) }
        return own.children(tree, token: token).map { children in
            children.map { Child(name: $0.name, entry: $0.entry.seen(in: view), facts: $0.facts) }
        }
    }

    /// The kernel may hold the directory of a specimen that a newer list of cells has at another place.
    private func exists(_ tree: TreeState) -> Bool { tree.index.views(of: view.specimen).contains(view) }
}

extension ViewFolder: CatalogueEntry where Own == SpecimenFolder {
    func path(_ index: TreeIndex) -> String? { view.path(index) }
    func facts(_ index: TreeIndex) -> Facts? { path(index).flatMap { _ in own.facts(index) } }
}

extension Entry {
    /// This entry of a specimen's own folder as `view` shows it: a file is the same file.
    fileprivate func seen(in view: View) -> any Entry { kind == .directory ? folder(in: view) : self }

    /// This directory of a specimen's own folder as `view` shows it.
    func folder(in view: View) -> any Entry { ViewFolder(view: view, own: self) }
}
