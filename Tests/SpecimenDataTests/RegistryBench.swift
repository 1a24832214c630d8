import BlockStore
import Catalogue
import Fetch
import Foundation
import Logging
import Support
import Testing
import Transport

@testable import SpecimenData

/// A registry and a plane reader with a catalogue and a cache of their own; offline unless they are given a source.
final class RegistryBench: Sendable {
    let registry: ObjectRegistry
    let planes: PlaneReader
    private let folder: URL
    private let cache: DiskBlockStore
    private let origin: Origin

    /// - Parameter side: of a tile of the planes, which are 600 px wide and high.
    init(capacity: Int, side: Int = TileGrid.defaultSide, source: (any BlockSource)? = nil) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "neuronfs-registry-\(UInt64.random(in: 0...UInt64.max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let workers = try WorkerPool(name: "worker", count: 2)
        let transport = try Transport(TransportConfiguration(), logger: quiet)
        cache = try DiskBlockStore(
            directory: folder.appendingPathComponent("cache").path,
            limits: CacheLimits(maximumBytes: 1 << 30, minimumFreeBytes: 0), owner: "test", logger: quiet)
        origin = Origin(
            endpoint: "http://127.0.0.1:9", transport: transport,
            fetcher: BlockFetcher(
                cache: cache, database: "test", source: source ?? TransportSource(transport, replyTimeout: 30),
                workers: workers, isOffline: source == nil, logger: quiet),
            store: try CatalogueStore(path: folder.appendingPathComponent("catalogue.sqlite").path), workers: workers,
            timeout: 5, logger: quiet)
        registry = ObjectRegistry(origin: origin, capacity: capacity)
        planes = PlaneReader(origin: origin, registry: registry, memory: 1 << 20, side: side)
    }

    /// Ends everything and removes the folder. In `defer`, because it stays otherwise.
    func close() {
        origin.fetcher.shutDown()
        origin.transport.shutdown()
        origin.workers.shutdown()
        #expect(throws: Never.self) { try self.origin.store.close() }
        cache.close()
        #expect(throws: Never.self) { try FileManager.default.removeItem(at: self.folder) }
    }

    /// Waits until the transport has begun `count` requests, then ends it. Returns how many it has begun.
    func requests(atLeast count: Int) -> Int {
        let limit = Instant.now.advanced(bySeconds: 60)
        while origin.transport.statistics.requests < count, Instant.now < limit { usleep(1000) }
        origin.transport.shutdown()
        return origin.transport.statistics.requests
    }

    func learn(_ image: Int, _ etag: String) {
        registry.learn(Self.id(image), length: nil, etag: etag, lastModified: nil, contentType: nil)
    }

    /// Lets go of the records of all images below 1000.
    func pushOut() {
        for image in 1000..<1010 { learn(image, "\"x\"") }
    }

    func load(_ image: Int) -> ObjectRecord? {
        let isLoaded = Monitor(false)
        registry.load(Self.id(image)) { isLoaded.update { $0 = true } }
        _ = isLoaded.wait { $0 ? true : nil }
        return registry.cached(Self.id(image))
    }

    func version(_ image: Int) throws -> PlaneReader.Version {
        let row = try #require(
            try JSONValue.parse(
                """
                [{"id": \(image), "data_set_id": 1, "section_number": 1, "x": 0, "y": 0, "width": 600, "height": 600}]
                """
            ).arrayValue
        ).compactMap(\.objectValue)
        let details = SpecimenDetails(of: 1, subImages: row, projections: [], reconstructions: [], at: 0)
        let plane = try #require(details.stack?.planes.first)
        let version = Monitor<PlaneReader.Version?>(nil)
        planes.version(of: plane, specimen: 1) { found in version.update { $0 = found } }
        return version.wait { $0 }
    }

    static func id(_ image: Int) -> String { "1/image/\(image)" }
}
