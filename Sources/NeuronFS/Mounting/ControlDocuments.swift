import BlockStore
import Configuration
import Fetch
import FileTree
import FuseAdapter
import Glibc
internal import Specimens
import Support
import Transport
import Volumes

/// The documents of `.neuronfs/`: the settings of the mount, its activity, and its counters.
final class ControlDocuments: Sendable {
    private let plan: MountPlan
    private let endpoint: String
    private let transport: Transport
    private let fetcher: BlockFetcher
    private let cache: DiskBlockStore
    private let planes: PlaneReader
    private let source: any SpecimenSource
    private let refresher: CatalogueRefresher
    private let kernel = Monitor(Kernel())
    private let started = Instant.now

    private struct Kernel {
        weak var session: FuseSession?
    }

    init(
        plan: MountPlan, endpoint: String, transport: Transport, fetcher: BlockFetcher, cache: DiskBlockStore,
        planes: PlaneReader, source: any SpecimenSource, refresher: CatalogueRefresher
    ) {
        self.plan = plan
        self.endpoint = endpoint
        self.transport = transport
        self.fetcher = fetcher
        self.cache = cache
        self.planes = planes
        self.source = source
        self.refresher = refresher
    }

    /// Adds the session. It is made after the tree that contains these documents, and it keeps the tree. Here it is a weak
    /// reference, because a strong one would make a cycle.
    func attach(_ session: FuseSession) {
        kernel.withLock { $0.session = session }
    }

    /// Takes down what a document tells at this moment.
    ///
    /// - Returns: what gives the text of the document: always the same, as long as it is kept.
    func snapshot(_ file: ControlFile) -> @Sendable () -> String {
        switch file {
        case .status:
            let activity = activity
            return { ControlDocument.text(of: activity.status) }
        case .metrics:
            let activity = activity
            return { activity.metrics }
        case .config: return { [self] in ControlDocument.text(of: config) }
        }
    }

    private var config: JSONValue {
        var document: JSONObject = [
            "mount_point": .string(plan.path), "endpoint": .string(endpoint),
            "cache_directory": .string(plan.cacheDirectory),
        ]
        for (name, value) in plan.settings.members.members { document[name] = value }
        document["version"] = .string(Version.text)
        return .object(document)
    }

    private var activity: MountActivity {
        var http = transport.statistics
        let slowest = http.slowestHost
        // Of up to 64 hosts the documents name one.
        http.hosts = [:]
        let list = source.list
        return MountActivity(
            mountPoint: plan.path, endpoint: endpoint, cacheDirectory: plan.cacheDirectory,
            cacheLimit: plan.settings.cacheSize.bytes, uptime: Instant.now.seconds(since: started),
            cells: list.specimens.count, fetchedAt: list.fetchedAt, generation: list.generation,
            refreshes: refresher.outcome, refused: source.refused, fetch: fetcher.statistics,
            cache: cache.statistics, http: http, slowestHost: slowest.map { ($0.name, $0.host.latency) },
            kernel: kernel.withLock { $0.session }?.statistics, tileMemory: planes.memory)
    }
}
