internal import Specimens
internal import Support

/// The nodes behind hashed inode numbers, for as long as the kernel holds these numbers.
///
/// A number that is computed tells its node by itself (``Node``). A hashed one does not, so the table keeps the node from the
/// reply to the first LOOKUP until FORGET has taken back all of them.
final class NodeTable: Sendable {
    /// A node and what its number is made from.
    struct Name: Equatable, Sendable {
        let node: Node
        /// Below the mount point.
        let path: String
        let number: InodeNumber
    }

    private struct Held {
        let name: Name
        /// Replies with the number that the kernel has not taken back.
        var lookups: UInt64
    }

    private let held = Monitor<[InodeNumber: Held]>([:])
    private let hash: @Sendable (_ path: String) -> UInt64

    /// A table for the numbers of the source called `identity`.
    convenience init(identity: String) {
        // No identity and no path holds a NUL, so no two pairs make one text.
        self.init { path in StableHash.mixed(StableHash.fnv1a("\(identity)\0\(path)".utf8)) }
    }

    /// - Parameter hash: makes 64 bits of a path, of which 62 are used.
    init(hash: @escaping @Sendable (_ path: String) -> UInt64) { self.hash = hash }

    /// The number of the entry at `path`.
    func number(of path: String) -> InodeNumber { InodeNumber(hash: hash(path)) }

    /// The name of the entry at `path`.
    func name(_ node: Node, at path: String) -> Name { Name(node: node, path: path, number: number(of: path)) }

    /// Counts a reply that tells the kernel of `name`.
    ///
    /// - Throws: ``FileTreeError/numberTaken(by:)`` while the kernel holds the number for another path.
    func countLookup(of name: Name) throws(FileTreeError) {
        let other = held.withLock { held -> String? in
            if let other = held[name.number]?.name.path, other != name.path { return other }
            held[name.number, default: Held(name: name, lookups: 0)].lookups += 1
            return nil
        }
        if let other { throw .numberTaken(by: other) }
    }

    /// The node and path of a number that the kernel holds.
    subscript(number: InodeNumber) -> Name? { held.withLock { $0[number]?.name } }

    /// Takes back `count` replies.
    func forget(_ number: InodeNumber, count: UInt64) {
        held.withLock { held in
            guard let lookups = held[number]?.lookups else { return }
            if lookups > count { held[number]?.lookups = lookups - count } else { held[number] = nil }
        }
    }
}
