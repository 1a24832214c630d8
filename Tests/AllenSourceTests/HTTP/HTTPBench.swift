import BlockStore
import Foundation
import Glibc
import Logging
import Specimens
import Support
import TestTools
import Testing
import Transport

@testable import AllenSource
@testable import Fetch

/// A fetcher with a store of its own over the HTTP source, whose network is a script.
final class HTTPBench: Sendable {
    let http: ScriptedHTTP
    let network: Network
    let source: HTTPBlockSource
    let store: DiskBlockStore?
    let workers: WorkerPool
    let fetcher: BlockFetcher
    private let folder: URL

    init(
        _ http: ScriptedHTTP = ScriptedHTTP(), cached: Bool = true, isOffline: Bool = false, workers count: Int = 2,
        circuit: HostCircuit.Settings = HostCircuit.Settings()
    ) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "neuronfs-http-\(UInt64.random(in: 0...UInt64.max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        store =
            cached
            ? try DiskBlockStore(
                directory: folder.path, limits: CacheLimits(maximumBytes: 1 << 40, minimumFreeBytes: 0), owner: "test",
                logger: quiet) : nil
        workers = try WorkerPool(name: "worker", count: count)
        self.http = http
        network = Network(client: http, isOffline: isOffline, circuit: circuit, logger: quiet)
        source = HTTPBlockSource(
            endpoint: "https://example.org", network: network, workers: workers, timeout: 5, logger: quiet)
        fetcher = BlockFetcher(
            store: store, identity: "test", source: source,
            registry: ObjectRegistry(source: source, records: ScriptedRecords(), workers: workers, logger: quiet),
            workers: workers, logger: quiet)
    }

    /// Ends everything and removes the store. In `defer`, because the workers keep their threads otherwise.
    func close() {
        fetcher.shutDown()
        workers.shutdown()
        http.forget()
        store?.close()
        #expect(throws: Never.self) { try FileManager.default.removeItem(at: self.folder) }
    }

    func fetch(
        _ request: BlockRequest, lane: Lane = .demand, token: CancellationToken = CancellationToken()
    ) -> Outcomes {
        let outcomes = Outcomes()
        fetcher.fetch(request, lane: lane, token: token, completion: outcomes.completion)
        return outcomes
    }

    /// Waits until both workers have ended what they were doing, which an empty queue does not tell.
    func waitForWorkers() {
        let (free, go) = (Counter(), Monitor(false))
        for _ in 0..<2 {
            workers.submit {
                free.add()
                go.wait { $0 ? () : nil }
            }
        }
        #expect(eventually { free.value == 2 })
        go.update { $0 = true }
    }
}

/// One version of a file.
struct TestFile {
    var number = 1
    var length: Int
    var version = "\"v\""

    func request(_ index: Int, deadline: Instant? = nil) -> BlockRequest {
        BlockRequest(
            object: SourceObject(id: .file(number, of: 9)), part: .extent(index, length: length), expected: version,
            deadline: deadline)
    }

    func range(_ index: Int) -> Range<Int> { ObjectExtents.bytes(of: index, length: length) }
}

/// Bytes that repeat after a prime, so that no two extents are alike and slices are quick to make in a debug build.
private let pattern: [UInt8] = {
    var state: UInt64 = 77
    return (0..<100_003).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
    }
}()

/// The bytes of a file.
func fileBytes(_ range: Range<Int>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(range.count)
    while bytes.count < range.count {
        let start = (range.lowerBound + bytes.count) % pattern.count
        bytes.append(contentsOf: pattern[start..<min(pattern.count, start + range.count - bytes.count)])
    }
    return bytes
}
