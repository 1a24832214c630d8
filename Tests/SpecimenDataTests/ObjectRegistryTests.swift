import Catalogue
import Fetch
import Foundation
import Logging
import Support
import Testing
import Transport

@testable import SpecimenData

/// A registry and a plane reader with a catalogue of their own, offline.
private final class RegistryBench: Sendable {
    let registry: ObjectRegistry
    let planes: PlaneReader
    private let folder: URL
    private let origin: Origin

    init(capacity: Int) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "neuronfs-registry-\(UInt64.random(in: 0...UInt64.max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let workers = WorkerPool(name: "worker", count: 2)
        let transport = Transport(TransportConfiguration(), logger: quiet)
        origin = Origin(
            endpoint: "http://127.0.0.1:9", transport: transport,
            fetcher: BlockFetcher(
                cache: nil, database: "test", source: TransportSource(transport, replyTimeout: 30), workers: workers,
                isOffline: true,
                logger: quiet),
            store: try CatalogueStore(path: folder.appendingPathComponent("catalogue.sqlite").path), workers: workers,
            timeout: 5, logger: quiet)
        registry = ObjectRegistry(origin: origin, capacity: capacity)
        planes = PlaneReader(origin: origin, registry: registry, memory: 1 << 20)
    }

    func close() throws {
        origin.fetcher.shutDown()
        origin.transport.shutdown()
        origin.workers.shutdown()
        try origin.store.close()
        try FileManager.default.removeItem(at: folder)
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

@Suite("Object registry")
struct ObjectRegistryTests {
    @Test("an object that was looked for before it was known is found when its record has left memory")
    func absentBefore() throws {
        let bench = try RegistryBench(capacity: 4)
        #expect(bench.load(1) == nil)
        bench.learn(1, "\"a\"")
        // Fewer than the capacity: what is noted as absent stays.
        bench.pushOut()
        #expect(bench.registry.cached(RegistryBench.id(1)) == nil)
        #expect(bench.load(1)?.etag == "\"a\"")
        try bench.close()
    }

    @Test("an open handle keeps the validator by which its blocks are found when the record has left memory")
    func idleHandle() throws {
        let bench = try RegistryBench(capacity: 4)
        let unknown = try bench.version(1)
        bench.learn(1, "\"a\"")
        #expect(bench.planes.isCurrent(unknown))
        let known = try bench.version(1)
        bench.pushOut()
        #expect(bench.registry.cached(RegistryBench.id(1)) == nil)
        for version in [unknown, known] {
            #expect(bench.planes.isCurrent(version))
            #expect(bench.planes.plan(version, 0, box: nil).validator == "\"a\"")
        }
        try bench.close()
    }

    @Test("a change is known before the new version is, and for good")
    func changes() throws {
        let bench = try RegistryBench(capacity: 4)
        let id = RegistryBench.id(1)
        let seen = Monitor<[Int]>([])
        bench.registry.onChange { record in seen.withLock { $0.append(record.version) } }
        bench.learn(1, "\"a\"")
        let first = try #require(bench.registry.cached(id)?.version)
        let opened = bench.registry.moment
        #expect(!bench.registry.hasChanged(id))
        bench.learn(1, "\"b\"")
        bench.learn(1, "\"b\"")
        #expect(bench.registry.hasChanged(id, since: opened))
        #expect(!bench.registry.hasChanged(id, since: bench.registry.moment))
        bench.pushOut()
        #expect(bench.registry.cached(id)?.version == first + 1)
        #expect(bench.registry.hasChanged(id))
        #expect(!bench.registry.hasChanged(RegistryBench.id(1000)))
        #expect(seen.withLock { $0 } == [first + 1])
        try bench.close()
    }

    @Test("a handle opened before its image was known is fixed on the first version, never on a later one")
    func fixing() throws {
        let bench = try RegistryBench(capacity: 4)
        let reader = try bench.version(1)
        // Reads nothing until the image has changed: what it got from the kernel may be of the first version.
        let idle = try bench.version(1)
        bench.learn(1, "\"a\"")
        #expect(bench.planes.isCurrent(reader))
        bench.learn(1, "\"b\"")
        #expect(!bench.planes.isCurrent(reader))
        #expect(!bench.planes.isCurrent(idle))
        bench.pushOut()
        #expect(!bench.planes.isCurrent(reader))
        #expect(!bench.planes.isCurrent(idle))
        #expect(bench.planes.isCurrent(try bench.version(1)))
        try bench.close()
    }
}
