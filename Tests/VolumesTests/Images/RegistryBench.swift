import BlockStore
import Fetch
import Foundation
import Logging
import Specimens
import Support
import TestTools
import Testing

@testable import Volumes

/// A registry and a plane reader over a scripted source, with a store of their own.
final class RegistryBench: Sendable {
    let registry: ObjectRegistry
    let planes: PlaneReader
    let fetcher: BlockFetcher
    private let folder: URL
    private let store: DiskBlockStore
    private let workers: WorkerPool

    /// - Parameter side: of a tile of the planes, which are 600 px wide and high.
    init(capacity: Int, side: Int = TileGrid.defaultSide, source: ScriptedSource = ScriptedSource()) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "neuronfs-registry-\(UInt64.random(in: 0...UInt64.max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        workers = try WorkerPool(name: "worker", count: 2)
        store = try DiskBlockStore(
            directory: folder.path, limits: CacheLimits(maximumBytes: 1 << 30, minimumFreeBytes: 0), owner: "test",
            logger: quiet)
        registry = ObjectRegistry(
            source: source, records: ScriptedRecords(), workers: workers, capacity: capacity, logger: quiet)
        fetcher = BlockFetcher(
            store: store, identity: "test", source: source, registry: registry, workers: workers, logger: quiet)
        planes = PlaneReader(fetcher: fetcher, memory: 1 << 20, timeout: 5, side: side)
    }

    /// Ends everything and removes the folder. In `defer`, because it stays otherwise.
    func close() {
        fetcher.shutDown()
        workers.shutdown()
        store.close()
        #expect(throws: Never.self) { try FileManager.default.removeItem(at: self.folder) }
    }

    func learn(_ image: Int, _ tag: String) { registry.learnChange(Self.id(image), to: tag) }

    /// Lets go of the records of all images below 1000.
    func pushOut() {
        for image in 1000..<1010 { learn(image, "x") }
    }

    func load(_ image: Int) -> ObjectRecord? {
        let isLoaded = Monitor(false)
        registry.load(SourceObject(id: Self.id(image))) { isLoaded.update { $0 = true } }
        _ = isLoaded.wait { $0 ? true : nil }
        return registry.cached(Self.id(image))
    }

    func version(_ image: Int) -> PlaneReader.Version {
        let plane = PlaneImage(
            imageID: image, sectionNumber: 1, x: 0, y: 0, width: 600, height: 600, frameWidth: 600, frameHeight: 600,
            xSpacing: 0.1144, ySpacing: 0.1144)
        let version = Monitor<PlaneReader.Version?>(nil)
        planes.version(of: plane, specimen: 1) { found in version.update { $0 = found } }
        return version.wait { $0 }
    }

    static func id(_ image: Int) -> ObjectID { .image(image, of: 1) }
}
