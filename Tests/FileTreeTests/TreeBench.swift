import Catalogue
import Fetch
import Foundation
import Glibc
import Logging
import Support
import TestTools
import Testing
import Transport

@testable import FileTree
@testable import SpecimenData

/// A tree without a kernel, over a catalogue of its own and an origin that takes connections and never answers.
final class TreeBench: Sendable {
    let tree: Tree
    private let folder: URL
    private let store: CatalogueStore
    private let registry: ObjectRegistry
    private let origin: Origin
    private let listener: Int32

    /// - Parameters:
    ///   - rows: of the list of cells.
    ///   - keep: fills the catalogue on disk with what earlier mounts have learnt.
    init(rows: [JSONObject], keep: (CatalogueStore) throws -> Void = { _ in }) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "neuronfs-tree-\(UInt64.random(in: 0...UInt64.max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let port: UInt16
        (listener, port) = try Self.silentListener()
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        store = try CatalogueStore(path: folder.appendingPathComponent("catalogue.sqlite").path)
        try store.replaceCells(rows: rows, totalRows: rows.count, at: wallClockSeconds())
        try keep(store)
        let workers = try WorkerPool(name: "worker", count: 2)
        origin = Origin(
            endpoint: "http://127.0.0.1:\(port)", transport: try Transport(TransportConfiguration(), logger: quiet),
            fetcher: BlockFetcher(
                cache: nil, database: "test", source: ScriptedSource(), workers: workers, logger: quiet),
            store: store, workers: workers, timeout: 600, logger: quiet)
        registry = ObjectRegistry(origin: origin)
        let catalogue = try CatalogueService(origin: origin)
        let files = FileReader(origin: origin, registry: registry, memory: 1 << 20)
        tree = Tree(
            parts: TreeParts(
                catalogue: catalogue,
                details: DetailsService(origin: origin, registry: registry, catalogue: catalogue), registry: registry,
                files: files, planes: PlaneReader(origin: origin, registry: registry, memory: 1 << 20),
                skeletons: SkeletonService(origin: origin, files: files, memory: 1 << 20),
                mainVariant: .classes, readAheadWindow: 0, controlDocument: { _ in "" }, cachedBytes: { _ in 0 },
                logger: quiet))
    }

    /// Ends everything and removes the folder. In `defer`, because it stays otherwise.
    func close() {
        origin.fetcher.shutDown()
        origin.transport.shutdown()
        origin.workers.shutdown()
        Glibc.close(listener)
        #expect(throws: Never.self) { try self.store.close() }
        #expect(throws: Never.self) { try FileManager.default.removeItem(at: self.folder) }
    }

    /// A socket of 127.0.0.1 that takes connections and says nothing, and its port.
    private static func silentListener() throws -> (Int32, UInt16) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(listener >= 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
                try #require(bind(listener, general, size) == 0)
                try #require(listen(listener, 64) == 0)
                try #require(getsockname(listener, general, &size) == 0)
            }
        }
        return (listener, UInt16(bigEndian: address.sin_port))
    }

    /// What a lookup answers before it returns; nil when it does not.
    func lookup(_ name: String, in parent: Node) -> Result<FileAttributes, FileTreeError>? {
        atOnce { token, completion in
            tree.lookup(name, in: parent.inode, token: token, completion: completion)
        }
    }

    /// The attributes of a node, however long that takes.
    func attributes(of node: Node) -> Result<FileAttributes, FileTreeError> {
        inTheEnd { token, completion in
            tree.attributes(of: node.inode, token: token, completion: completion)
        }
    }

    func children(of node: Node) -> Result<[DirectoryEntry], FileTreeError> {
        inTheEnd { token, completion in tree.children(of: node.inode, token: token, completion: completion) }
    }

    func open(_ node: Node) -> Result<any OpenFile, FileTreeError> {
        inTheEnd { token, completion in tree.open(node.inode, token: token, completion: completion) }
    }

    func attribute(_ name: String, of node: Node) -> Result<[UInt8], FileTreeError> {
        inTheEnd { token, completion in
            tree.extendedAttribute(name, of: node.inode, token: token, completion: completion)
        }
    }

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
