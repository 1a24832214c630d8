import Fetch
import Logging
import SpecimenData
import Specimens
import Support
import TestTools
import Testing

@testable import FileTree

/// A tree without a kernel, over a scripted source whose blocks the test answers.
final class TreeBench: Sendable {
    let tree: Tree
    let source: ScriptedSpecimenSource
    let blocks: ScriptedSource
    private let registry: ObjectRegistry
    private let fetcher: BlockFetcher
    private let workers: WorkerPool

    /// - Parameters:
    ///   - rows: of the list of cells.
    ///   - snapshot: a list of cells that no store keeps, instead of `rows`.
    ///   - table: makes the hashed numbers.
    ///   - keep: fills the catalogue on disk with what earlier mounts have learnt.
    init(
        rows: [JSONObject] = [], snapshot: CatalogueSnapshot? = nil, table: NodeTable = NodeTable(identity: "test"),
        keep: (CatalogueStore) throws -> Void = { _ in }
    ) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "neuronfs-tree-\(UInt64.random(in: 0...UInt64.max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let port: UInt16
        (listener, port) = try Self.silentListener()
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        store = try CatalogueStore(path: folder.appendingPathComponent("catalogue.sqlite").path)
        if snapshot == nil { try store.replaceCells(rows: rows, totalRows: rows.count, at: wallClockSeconds()) }
        try keep(store)
        let workers = try WorkerPool(name: "worker", count: 2)
        origin = Origin(
            endpoint: "http://127.0.0.1:\(port)", transport: try Transport(TransportConfiguration(), logger: quiet),
            fetcher: BlockFetcher(
                cache: nil, database: "test", source: ScriptedSource(), workers: workers, logger: quiet),
            store: store, workers: workers, timeout: 600, logger: quiet)
        registry = ObjectRegistry(origin: origin)
        let catalogue =
            if let snapshot { CatalogueService(origin: origin, snapshot: snapshot) } else {
                try CatalogueService(origin: origin)
            }
        let files = FileReader(origin: origin, registry: registry, memory: 1 << 20)
        tree = Tree(
            parts: TreeParts(
                identity: "test", catalogue: catalogue,
                details: DetailsService(origin: origin, registry: registry, catalogue: catalogue), registry: registry,
                files: files, planes: PlaneReader(origin: origin, registry: registry, memory: 1 << 20),
                skeletons: SkeletonService(origin: origin, files: files, memory: 1 << 20),
                mainVariant: .classes, readAheadWindow: 0, controlDocument: { _ in "" }, cachedBytes: { _ in 0 },
                logger: quiet), table: table)
    }

    /// Ends everything. In `defer`, because the workers keep their threads otherwise.
    func close() {
        fetcher.shutDown()
        workers.shutdown()
    }

    /// The number of a node that has a computed one.
    private func computed(_ node: Node) -> InodeNumber { node.inode ?? InodeNumber(rawValue: 0) }

    /// What a lookup answers before it returns; nil when it does not.
    func lookup(_ name: String, in parent: InodeNumber) -> Result<FileAttributes, FileTreeError>? {
        atOnce { token, completion in tree.lookup(name, in: parent, token: token, completion: completion) }
    }

    func lookup(_ name: String, in parent: Node) -> Result<FileAttributes, FileTreeError>? {
        lookup(name, in: computed(parent))
    }

    /// The attributes of an inode, however long that takes.
    func attributes(of inode: InodeNumber) -> Result<FileAttributes, FileTreeError> {
        inTheEnd { token, completion in tree.attributes(of: inode, token: token, completion: completion) }
    }

    func attributes(of node: Node) -> Result<FileAttributes, FileTreeError> {
        attributes(of: computed(node))
    }

    func children(of inode: InodeNumber) -> Result<[DirectoryEntry], FileTreeError> {
        inTheEnd { token, completion in tree.children(of: inode, token: token, completion: completion) }
    }

    func children(of node: Node) -> Result<[DirectoryEntry], FileTreeError> {
        children(of: computed(node))
    }

    func open(_ inode: InodeNumber) -> Result<any OpenFile, FileTreeError> {
        inTheEnd { token, completion in tree.open(inode, token: token, completion: completion) }
    }

    func open(_ node: Node) -> Result<any OpenFile, FileTreeError> { open(computed(node)) }

    func attribute(_ name: String, of inode: InodeNumber) -> Result<[UInt8], FileTreeError> {
        inTheEnd { token, completion in
            tree.extendedAttribute(name, of: inode, token: token, completion: completion)
        }
    }

    func attribute(_ name: String, of node: Node) -> Result<[UInt8], FileTreeError> {
        attribute(name, of: computed(node))
    }

    /// What the catalogue on disk has of a cell.
    func details(of specimen: Int) throws -> SpecimenDetails? { try store.details(of: specimen) }

    /// An answer of the origin says that `id` is of another version: what is known of its cell is put together anew.
    func change(_ id: String) {
        for etag in ["\"1\"", "\"2\""] {
            registry.learn(id, length: nil, etag: etag, lastModified: nil, contentType: nil)
        }
    }

    typealias Completion<Value> = @Sendable (Result<Value, FileTreeError>) -> Void

    private func atOnce<Value: Sendable>(
        _ call: (CancellationToken, @escaping Completion<Value>) -> Void
    ) -> Result<Value, FileTreeError>? {
        let answer = Monitor<Result<Value, FileTreeError>?>(nil)
        let token = CancellationToken()
        call(token) { result in answer.update { $0 = result } }
        let given = answer.withLock { $0 }
        token.cancel()
        // Whatever waits leaves when it is cancelled.
        _ = answer.wait { $0 }
        return given
    }

    private func inTheEnd<Value: Sendable>(
        _ call: (CancellationToken, @escaping Completion<Value>) -> Void
    ) -> Result<Value, FileTreeError> {
        let answer = Monitor<Result<Value, FileTreeError>?>(nil)
        call(CancellationToken()) { result in answer.update { $0 = result } }
        return answer.wait { $0 }
    }
}
