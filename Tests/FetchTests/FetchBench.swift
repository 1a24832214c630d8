import BlockStore
import Glibc
import Logging
import Support
import TestTools
import Testing

@testable import Fetch
@testable import Transport

/// Collects what completions got.
final class Outcomes: Sendable {
    private let results = Monitor<[Result<FetchedBlock, FetchError>]>([])

    var completion: @Sendable (Result<FetchedBlock, FetchError>) -> Void {
        { result in self.results.update { $0.append(result) } }
    }

    var count: Int { results.withLock { $0.count } }

    /// Waits until `count` have come.
    func wait(_ count: Int = 1) throws -> [Result<FetchedBlock, FetchError>] {
        let limit = Instant.now.advanced(bySeconds: 60)
        return try #require(results.wait(until: limit) { $0.count >= count ? $0 : nil }, "fewer than \(count) results")
    }
}

extension Result where Success == FetchedBlock, Failure == FetchError {
    var bytes: [UInt8]? { if case .success(let block) = self { block.bytes } else { nil } }
    var block: FetchedBlock? { if case .success(let block) = self { block } else { nil } }
    /// The case of the error, with what a test compares.
    var failure: String? {
        guard case .failure(let error) = self else { return nil }
        return switch error {
        case .transport(let error): "transport \(error.kind)"
        case .offline(.switchedOff): "offline"
        case .offline(.unreachable(let host, _)): "unreachable \(host)"
        case .changedUpstream(_, let old, let new): "changed \(old) to \(new)"
        case .invalidBlock(let reason): "invalid: \(reason)"
        case .cancelled: "cancelled"
        case .shutDown: "shut down"
        }
    }
}

/// A fetcher with a cache of its own.
final class Bench: Sendable {
    let directory: String
    let cache: DiskBlockStore?
    let workers: WorkerPool
    let source: ScriptedSource
    let fetcher: BlockFetcher

    init(
        _ source: ScriptedSource = ScriptedSource(), cached: Bool = true, workers count: Int = 2,
        prefetchLimit: Int = 64, circuit: NetworkCircuit.Settings = NetworkCircuit.Settings()
    ) throws {
        var template = Array("/tmp/neuronfs-fetch-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno.current }
        directory = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        cache =
            cached
            ? try DiskBlockStore(
                directory: directory, limits: CacheLimits(maximumBytes: 1 << 40, minimumFreeBytes: 0), owner: "test",
                logger: quiet) : nil
        workers = try WorkerPool(name: "worker", count: count)
        self.source = source
        fetcher = BlockFetcher(
            cache: cache, database: "test", source: source, workers: workers, isOffline: false,
            prefetchLimit: prefetchLimit,
            logger: quiet, circuit: circuit)
    }

    /// Ends everything and removes the cache. In `defer`, because the workers keep their threads otherwise.
    func close() {
        fetcher.shutDown()
        workers.shutdown()
        source.forget()
        cache?.close()
        Bench.removeTree(directory)
    }

    func fetch(
        _ plan: BlockPlan, lane: Lane = .demand, token: CancellationToken = CancellationToken()
    ) -> Outcomes {
        let outcomes = Outcomes()
        fetcher.fetch(plan, lane: lane, token: token, completion: outcomes.completion)
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

func plan(
    _ index: Int = 0, id: String = "1/image/2", validator: String? = "\"1\"", host: String = "example.org",
    deadline: Instant? = nil, verify: @escaping @Sendable ([UInt8]) -> String? = { _ in nil }
) -> BlockPlan {
    var request = HTTPRequest(url: "https://\(host)/\(id)?\(index)")
    request.deadline = deadline
    return BlockPlan(id: id, validator: validator, length: nil, index: index, request: request, verify: verify)
}

/// Waits until `condition` holds, by asking it again and again; the limit only ends a test that hangs.
func eventually(_ condition: () -> Bool) -> Bool {
    let limit = Instant.now.advanced(bySeconds: 60)
    while Instant.now < limit {
        if condition() { return true }
        usleep(500)
    }
    return false
}

/// Seeded random numbers (Steele, Lea and Flood, 2014).
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
