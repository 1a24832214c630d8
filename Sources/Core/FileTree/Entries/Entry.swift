internal import Specimens
internal import Support

/// One name of the tree: everything that the tree must know of it, in one place.
///
/// An entry is a small value without state, made from the ``Node`` of an inode number for each request. What it needs is
/// handed to it as ``TreeState``. No function waits: an answer that needs the source is a promise.
protocol Entry: Sendable {
    /// What the inode number says of the entry.
    var node: Node { get }
    /// Directory, file or link.
    var kind: FileKind { get }
    /// For a file whose size can become unknown again, the directory whose files commonly have one size, or the file itself
    /// where it is one of its kind (``ToldSizes``). Nil for every other entry.
    var sizeFolder: Node? { get }
    /// The path below the mount point, "." for the mount point itself; nil where the list of cells does not have the entry.
    /// Of the names of a file the one in the specimen's own folder.
    func path(_ tree: TreeState) -> String?
    /// How many names a file has; of no meaning for other entries.
    func nameCount(_ index: TreeIndex) -> Int
    /// What memory has of the entry. Never asks the source: a LOOKUP is answered from this.
    func known(_ tree: TreeState) -> Knowledge
    /// What `stat(2)` tells; the source is asked where memory does not have it.
    func facts(_ tree: TreeState, token: CancellationToken) -> Answer<Facts>
    /// This entry once its kind and its path are certain. Resolved at once wherever the inode number fixes both.
    func settled(_ tree: TreeState, token: CancellationToken) -> Answer<any Entry>
    /// The entry called `name` in this directory, which may turn out to be absent: ``known(_:)`` of the child decides. Resolved
    /// at once wherever the name fixes the type.
    func child(_ name: String, _ tree: TreeState, token: CancellationToken) -> Answer<any Entry>
    /// What is in this directory, in a fixed order.
    func children(_ tree: TreeState, token: CancellationToken) -> Answer<[Child]>
    /// Opens the file. The handle sees one version of the bytes.
    func open(_ tree: TreeState, token: CancellationToken) -> Answer<any OpenFile>
    /// The target of the link.
    func target(_ tree: TreeState) throws(FileTreeError) -> String
    /// The object of the source that the bytes come from; nil for an entry that is made here.
    func original(_ tree: TreeState, token: CancellationToken) -> Answer<Original?>
}

/// What `stat(2)` tells of an entry, apart from its number.
struct Facts: Sendable {
    var kind: FileKind
    /// Bytes.
    var size: Int
    /// For a directory 2 and one for each subdirectory. How many names a file has is no matter of its content, see
    /// ``Entry/nameCount(_:)``.
    var linkCount = 1
    /// Seconds since 1970.
    var modified: Double

    /// Bytes reported for a directory.
    private static let directorySize = 4096

    static func directory(subdirectories: Int = 0, modified: Double) -> Facts {
        Facts(kind: .directory, size: directorySize, linkCount: 2 + subdirectories, modified: modified)
    }

    static func file(size: Int, modified: Double) -> Facts { Facts(kind: .file, size: size, modified: modified) }
}

/// What memory has of an entry.
enum Knowledge: Sendable {
    /// There is no such entry.
    case absent
    /// The entry may be there; the source has to be asked.
    case unknown
    /// If the entry is there, these are its facts.
    case unverified(Facts)
    /// The entry is there.
    case known(Facts)

    init(_ facts: Facts?) { self = facts.map { .known($0) } ?? .absent }
}

/// A name in the listing of a directory.
struct Child: Sendable {
    var name: String
    var entry: any Entry
    /// Nil where the source has to be asked.
    var facts: Facts?
}

/// An object of the source that the bytes of an entry come from.
struct Original: Sendable {
    var url: String
    /// Names the object in the cache.
    var object: ObjectID
}

extension Entry {
    func nameCount(_ index: TreeIndex) -> Int { 1 }

    func settled(_ tree: TreeState, token: CancellationToken) -> Answer<any Entry> { Promise(.success(self)) }

    func original(_ tree: TreeState, token: CancellationToken) -> Answer<Original?> {
        Promise(.success(nil))
    }
}

/// An entry that has children.
protocol Folder: Entry {}

extension Folder {
    var kind: FileKind { .directory }
    var sizeFolder: Node? { nil }

    func open(_ tree: TreeState, token: CancellationToken) -> Answer<any OpenFile> {
        Promise(.failure(.isDirectory))
    }

    func target(_ tree: TreeState) throws(FileTreeError) -> String { throw .notLink }
}

/// An entry that has none.
protocol Leaf: Entry {}

extension Leaf {
    func child(_ name: String, _ tree: TreeState, token: CancellationToken) -> Answer<any Entry> {
        Promise(.failure(.notDirectory))
    }

    func children(_ tree: TreeState, token: CancellationToken) -> Answer<[Child]> {
        Promise(.failure(.notDirectory))
    }
}

/// An entry that has bytes.
protocol File: Leaf {}

extension File {
    var kind: FileKind { .file }

    func target(_ tree: TreeState) throws(FileTreeError) -> String { throw .notLink }
}

/// What an entry answers, now or later.
typealias Answer<Value: Sendable> = Promise<Value, FileTreeError>

extension Promise {
    /// A promise of what `call` hands to its completion.
    static func answer(of call: (_ completion: @escaping @Sendable (Result<Value, Failure>) -> Void) -> Void) -> Promise
    {
        let (promise, resolver) = pending()
        call { resolver.resolve($0) }
        return promise
    }
}
