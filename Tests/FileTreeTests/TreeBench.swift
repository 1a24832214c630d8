import Fetch
import Logging
import Specimens
import Support
import TestTools
import Testing
import Volumes

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
    ///   - objects: what the source knows of cells; for others it never answers.
    ///   - known: what earlier mounts have learnt of objects.
    ///   - table: makes the hashed numbers.
    ///   - document: takes down what a document of `.neuronfs/` tells.
    ///   - blocks: gives the bytes; a question for a length stays open without one.
    ///   - other: a second source, which the tree shows beside the scripted one.
    init(
        _ cells: [Specimen], objects: [Int: SpecimenObjects] = [:], records known: [ObjectRecord] = [],
        table: NodeTable = NodeTable(identity: "test"),
        document: @escaping @Sendable (ControlFile) -> @Sendable () -> String = { _ in { "" } },
        blocks: ScriptedSource = ScriptedSource(stat: { _ in Promise<ObjectRecord, SourceError>.pending().0 }),
        beside other: ScriptedSpecimenSource? = nil
    ) throws {
        self.blocks = blocks
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let records = ScriptedRecords()
        for record in known { _ = records.keep(record, after: nil) }
        source = ScriptedSpecimenSource(cells, objects: objects, records: records, blocks: blocks, identity: "test")
        let shown: any SpecimenSource = if let other { CombinedSource(source, and: [other]) } else { source }
        workers = try WorkerPool(name: "worker", count: 2)
        registry = ObjectRegistry(source: shown.blocks, records: shown.records, workers: workers, logger: quiet)
        fetcher = BlockFetcher(
            store: nil, identity: "test", source: shown.blocks, registry: registry, workers: workers, logger: quiet)
        let files = FileReader(fetcher: fetcher, memory: 1 << 20, timeout: 600)
        tree = Tree(
            parts: TreeParts(
                source: shown, registry: registry, files: files,
                planes: PlaneReader(fetcher: fetcher, memory: 1 << 20, timeout: 600),
                skeletons: SkeletonService(files: files, workers: workers, memory: 1 << 20, logger: quiet),
                mainVariant: .classes, readAheadWindow: 0, controlDocument: document, cachedBytes: { _ in 0 },
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

    /// The inode at `path`, looked up name by name.
    func inode(_ path: String) throws -> InodeNumber {
        try path.split(separator: "/").reduce(.root) { parent, name in
            try #require(lookup(String(name), in: parent), "\(name) waits").get().inode
        }
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

    /// A reply of the source says that `id` is of another version: what is known of its cell is put together anew.
    func change(_ id: ObjectID) {
        for tag in ["1", "2"] { registry.learnChange(id, to: tag) }
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
