internal import Specimens
package import Support

// Names and their numbers.
extension Tree {
    /// A number, with the name that it is a hash of, where it is one.
    typealias Number = (inode: InodeNumber, hashed: NodeTable.Name?)

    /// The child called `name` of the directory `parent`, or `parent` itself, or the directory above it.
    package func lookup(
        _ name: String, in parent: InodeNumber, token: CancellationToken,
        completion: @escaping @Sendable (Result<FileAttributes, FileTreeError>) -> Void
    ) {
        ask(parent, completion: completion) { entry in
            switch name {
            case ".":
                entry.settled(state, token: token).flatMap { [self] entry in
                    Promise(found(entry, number(of: entry, at: table[parent]?.path)))
                }
            case "..":
                entry.settled(state, token: token).flatMap { [self] entry in above(entry, parent, token: token) }
            default:
                entry.child(name, state, token: token).flatMap { [self] child in
                    Promise(found(child, number(of: child, name, in: parent)))
                }
            }
        }
    }

    /// The directory above `directory`, which has the number `inode`. It is found by the path.
    private func above(
        _ directory: any Entry, _ inode: InodeNumber, token: CancellationToken
    ) -> Answer<FileAttributes> {
        guard directory.kind == .directory else { return Promise(.failure(.notDirectory)) }
        guard let path = inode.isHashed ? table[inode]?.path : directory.path(state) else {
            return Promise(.failure(.notFound))
        }
        let names = path.split(separator: "/").dropLast().map(String.init)
        return names.reduce(Answer<any Entry>(.success(RootFolder()))) { [state] folder, name in
            folder.flatMap { $0.child(name, state, token: token) }
        }.flatMap { [self] parent in
            Promise(found(parent, number(of: parent, at: names.joined(separator: "/"))))
        }
    }

    /// What a lookup that finds `entry` answers. Without a number nothing is found.
    private func found(_ entry: any Entry, _ number: Number?) -> Result<FileAttributes, FileTreeError> {
        Result { () throws(FileTreeError) in
            guard let (facts, isProvisional) = remembered(entry), let (inode, hashed) = number else { throw .notFound }
            if let hashed { try table.countLookup(of: hashed) }
            return attributes(inode, facts, of: entry, isProvisional: isProvisional)
        }
    }

    /// The number of the child called `name` of the directory `parent`. Nil where the list of cells has neither any more. A file
    /// has one number for all its names.
    func number(of child: any Entry, _ name: String, in parent: InodeNumber) -> Number? {
        number(
            of: child,
            at: child.kind == .file
                ? child.path(state) : path(of: parent).map { parent == .root ? name : "\($0)/\(name)" })
    }

    /// The number of `entry`, of which `path` is a part if it is hashed.
    private func number(of entry: any Entry, at path: @autoclosure () -> String?) -> Number? {
        if let inode = entry.node.inode { return (inode, nil) }
        return path().map { table.name(entry.node, at: $0) }.map { ($0.number, $0) }
    }
}
