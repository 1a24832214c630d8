import BlockStore
import Glibc
import Logging
import Specimens
import Support
import TestTools
import Testing

@testable import Fetch

/// A fetcher with a store of its own.
final class Bench: Sendable {
    let directory: String
    let store: DiskBlockStore?
    let workers: WorkerPool
    let source: ScriptedSource
    let records = ScriptedRecords()
    let fetcher: BlockFetcher

    init(
        _ source: ScriptedSource = ScriptedSource(), cached: Bool = true, workers count: Int = 2,
        prefetchLimit: Int = 64
    ) throws {
        var template = Array("/tmp/neuronfs-fetch-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno.current }
        directory = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        store =
            cached
            ? try DiskBlockStore(
                directory: directory, limits: CacheLimits(maximumBytes: 1 << 40, minimumFreeBytes: 0), owner: "test",
                logger: quiet) : nil
        workers = try WorkerPool(name: "worker", count: count)
        self.source = source
        fetcher = BlockFetcher(
            store: store, identity: "test", source: source,
            registry: ObjectRegistry(source: source, records: records, workers: workers, logger: quiet),
            workers: workers, prefetchLimit: prefetchLimit, logger: quiet)
    }

    /// The block that the store has.
    func stored(_ request: BlockRequest) -> FetchedBlock? {
        let block = Monitor<FetchedBlock??>(nil)
        fetcher.kept(request) { found in block.update { $0 = .some(found) } }
        return block.wait { $0 }
    }

    /// Ends everything and removes the cache. In `defer`, because the workers keep their threads otherwise.
    func close() {
        fetcher.shutDown()
        workers.shutdown()
        store?.close()
        Bench.removeTree(directory)
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

    private static func removeTree(_ path: String) {
        guard let stream = opendir(path) else {
            unlink(path)
            return
        }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        closedir(stream)
        for name in names where name != "." && name != ".." { removeTree("\(path)/\(name)") }
        rmdir(path)
    }
}

/// A request for a tile of one pixel.
func request(
    _ index: Int = 0, image: Int = 2, expecting version: String? = "1", deadline: Instant? = nil
) -> BlockRequest {
    let pixel = SourceObject.Frame(x: index, y: 0, width: 1, height: 1)
    return BlockRequest(
        object: SourceObject(
            id: .image(image, of: 1), frame: SourceObject.Frame(x: 0, y: 0, width: 1 << 20, height: 1)),
        part: .tile(BlockPart.Tile(index: index, level: 0, side: 512, frame: pixel)), expected: version,
        deadline: deadline)
}

/// What a request is for.
func name(_ request: BlockRequest) -> String { "\(request.blockName) \(request.part.index)" }
