import AllenSource
import BlockStore
import CPosix
import Configuration
import DemoOrigin
import Fetch
import FileTree
import FolderSource
import FuseAdapter
import Glibc
import Logging
import Specimens
import Support
import Transport
import Volumes

/// The parts of a running mount, built from the bottom up and ended from the top.
final class MountDaemon {
    private let plan: MountPlan
    private let logger: Logger
    private let demo: DemoServer?
    private let endpoint: String
    private let cache: DiskBlockStore
    /// The catalogue of the Allen source; nil without that.
    private let store: CatalogueStore?
    private let transport: Transport
    private let workers: WorkerPool
    private let fetcher: BlockFetcher
    private let tree: Tree
    private let session: FuseSession
    private let refresher: CatalogueRefresher
    private let control: ControlDocuments

    /// Decoded tiles in memory, bytes. With label indices, extents and the program itself a mount stays below 300 MB,
    /// apart from 70 bytes for each block of the cache.
    private static let tileMemory = 96 << 20
    /// Label indices in memory, bytes: a large neuron's takes 4 MB.
    private static let labelMemory = 48 << 20
    /// Extents of files in memory, bytes.
    private static let extentMemory = 16 << 20

    /// Threads for disk, decoding and labels.
    static let workerCount = max(2, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))

    /// Opens the cache and the catalogue, fetches the list of cells if there is none, and mounts.
    ///
    /// - Parameter startGuard: dismissed when the mount is about to be made: from then on there is something to take down.
    init(plan: MountPlan, startGuard: StartGuard) throws(Failure) {
        // glibc gives every thread a memory arena of its own, and each arena keeps its largest size. With 64 readers that is
        // 300 MB resident instead of 245 (docs/BENCHMARKS.md), and no faster.
        posix_limit_arenas(1)
        self.plan = plan
        let settings = plan.settings
        let level = Logger.Level(rawValue: settings.logLevel) ?? .notice
        // A daemon's standard error is its log file; in the foreground it may be anything.
        let sink = LogSink(descriptor: STDERR_FILENO, path: plan.logFile)
        func log(_ label: String) -> Logger {
            Logger(label: label) { LineLogHandler(label: $0, level: level, sink: sink) }
        }
        logger = log("mount")

        let identity = try Self.identity(of: plan.origin)
        let folders = try FolderChoices.locations(settings.source)
        switch plan.origin {
        case .endpoint(let choice):
            demo = nil
            endpoint = choice.url
        case .demo(let data):
            let started = try DemoStart.server(data: data)
            demo = started.server
            endpoint = started.url
        }

        do throws(CacheError) {
            cache = try DiskBlockStore(
                directory: plan.cacheDirectory,
                limits: CacheLimits(maximumBytes: settings.cacheSize.bytes, minimumFreeBytes: settings.cacheFree.bytes),
                owner: plan.path, logger: log("cache"))
        } catch {
            demo?.stop()
            throw Failure(sentence: "\(error)")
        }
        do throws(CatalogueError) {
            store =
                settings.source.contains(.allen)
                ? try CatalogueStore(
                    path: "\(plan.cacheDirectory)/\(CatalogueStore.fileName(of: identity))", logger: log("catalogue"))
                : nil
        } catch {
            cache.close()
            demo?.stop()
            throw Failure(sentence: "cannot open the catalogue in \(plan.cacheDirectory): \(error)")
        }
        var configuration = TransportConfiguration(userAgent: "neuronfs/\(Version.text) (+https://github.com/neuronfs)")
        configuration.maxConnectionsPerHost = settings.maxConnections
        // The limits on all hosts together must permit as many connections as one host may have.
        configuration.maxConcurrentRequests = max(configuration.maxConcurrentRequests, settings.maxConnections)
        configuration.maxConnections = max(configuration.maxConnections, settings.maxConnections)
        configuration.connectTimeout = settings.connectTimeout
        configuration.firstByteTimeout = settings.firstByteTimeout
        configuration.stallTimeout = settings.stallTimeout
        configuration.maximumAttempts = settings.retries + 1
        configuration.backoffBase = settings.backoffBase
        configuration.allowDowngrade = settings.allowHTTPRedirects
        if case .endpoint(let choice) = plan.origin, let user = choice.user {
            configuration.credentials = Credentials(url: choice.url, user: user, password: choice.password ?? "")
        }
        do throws(ThreadError) {
            transport = try Transport(configuration, logger: log("transport"))
            workers = try WorkerPool(name: "worker", count: Self.workerCount)
        } catch {
            // The other parts go with this object, and end by that.
            throw Failure(sentence: "\(error)")
        }
        var sources: [any SpecimenSource] = []
        do throws(SourceError) {
            if let store {
                sources.append(
                    try AllenSource(
                        identity: identity, endpoint: endpoint, store: store,
                        network: Network(
                            client: TransportClient(transport, replyTimeout: configuration.firstByteTimeout),
                            isOffline: settings.offline, logger: log("fetch")),
                        workers: workers, timeout: settings.timeout, logger: log("data")))
            }
        } catch {
            Self.takeDown(nil, transport, workers, cache, store, demo, logger)
            throw Failure(sentence: Self.sentence(error, endpoint: endpoint))
        }
        do throws(SourceError) {
            for folder in folders {
                sources.append(
                    try FolderSource(folder, workers: workers, timeout: settings.timeout, logger: log("folder")))
            }
        } catch {
            for source in sources { source.blocks.shutDown() }
            Self.takeDown(nil, transport, workers, cache, store, demo, logger)
            throw Failure(sentence: "\(error)")
        }
        let source = sources.count == 1 ? sources[0] : CombinedSource(sources[0], and: Array(sources.dropFirst()))
        let registry = ObjectRegistry(
            source: source.blocks, records: source.records, workers: workers, logger: log("data"))
        fetcher = BlockFetcher(
            store: cache, identity: source.identity, source: source.blocks, registry: registry, workers: workers,
            logger: log("fetch"))
        refresher = CatalogueRefresher(source: source, logger: log("catalogue"))
        let files = FileReader(fetcher: fetcher, memory: Self.extentMemory, timeout: settings.timeout)
        let planes = PlaneReader(fetcher: fetcher, memory: Self.tileMemory, timeout: settings.timeout)
        let cache = self.cache
        control = ControlDocuments(
            plan: plan, endpoint: endpoint, transport: transport, fetcher: fetcher, cache: cache, planes: planes,
            source: source, refresher: refresher)
        let control = self.control
        tree = Tree(
            parts: TreeParts(
                source: source, registry: registry, files: files, planes: planes,
                skeletons: SkeletonService(
                    files: files, workers: workers, memory: Self.labelMemory, logger: log("data")),
                mainVariant: settings.labels.variant, readAheadWindow: settings.readAhead,
                controlDocument: { control.snapshot($0) }, cachedBytes: { cache.bytes(ofObject: $0.description) },
                logger: log("tree")))
        do throws(ThreadError) {
            try refresher.start()
        } catch {
            Self.takeDown(fetcher, transport, workers, cache, store, demo, logger)
            throw Failure(sentence: "\(error)")
        }
        startGuard.dismiss()
        do throws(FuseError) {
            session = try FuseSession(
                service: tree, path: plan.path,
                options: MountOptions(
                    uid: settings.uid ?? getuid(), gid: settings.gid ?? getgid(), allowOther: settings.allowOther,
                    sourceName: demo == nil ? "neuronfs" : "neuronfs-demo", requestTimeout: settings.timeout),
                logger: log("fuse"))
        } catch {
            refresher.end()
            Self.takeDown(fetcher, transport, workers, cache, store, demo, logger)
            throw Failure(sentence: Self.sentence(error))
        }
        control.attach(session)
        // The session keeps the tree.
        tree.onInvalidation { [weak session] change in
            for inode in change.inodes { session?.invalidate(inode) }
            for name in change.names { session?.invalidate(name: name.name, in: name.directory) }
        }
    }

    /// Serves until the mount ends.
    ///
    /// - Parameters:
    ///   - signals: unblocked once they end the loop; one that came during the start ends it at once.
    ///   - ready: called once the kernel has greeted the mount.
    /// - Throws: when the mount ends badly, and `Failure` 130 when it ends before it was ready.
    func run(_ signals: Signals, ready: @escaping @Sendable () -> Void) throws(Failure) {
        let session = self.session
        let path = plan.path
        let logger = self.logger
        let wasReady = Monitor(false)
        // On a worker, which no read needs before the kernel has initialised the mount. That takes milliseconds.
        workers.submit {
            guard session.waitUntilReady(deadlineSeconds: 10) else { return }
            wasReady.withLock { $0 = true }
            do throws(Errno) {
                try OwnerRights.withOwn { () throws(Errno) in
                    try ReadAheadSetting.set(kibibytes: 1024, forMountOn: path)
                }
            } catch {
                // Without root the kernel's 128 KiB stay; reads are smaller, nothing else.
                logger.debug("read-ahead not raised", metadata: ["reason": "\(error)"])
            }
            ready()
        }
        logger.info("mounted", metadata: ["path": "\(path)", "endpoint": "\(endpoint)"])
        let outcome: Result<Void, FuseError>
        do throws(FuseError) {
            if let signal = try session.run(unblock: { signals.unblock() }) {
                logger.notice("a signal ends the mount", metadata: ["signal": "\(DaemonSignals.name(signal))"])
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        DaemonSignals.endAnyway()
        refresher.end()
        Self.takeDown(fetcher, transport, workers, cache, store, demo, logger)
        logger.info("unmounted", metadata: ["path": "\(path)"])
        if case .failure(let error) = outcome { throw Failure(sentence: "\(error)") }
        guard wasReady.withLock({ $0 }) else { throw Signals.stopped }
    }

    private static func takeDown(
        _ fetcher: BlockFetcher?, _ transport: Transport, _ workers: WorkerPool, _ cache: DiskBlockStore,
        _ store: CatalogueStore?, _ demo: DemoServer?,
        _ logger: Logger
    ) {
        fetcher?.shutDown()
        transport.shutdown()
        workers.shutdown()
        cache.close()
        do throws(CatalogueError) {
            try store?.close()
        } catch {
            logger.warning("the catalogue did not close cleanly", metadata: ["reason": "\(error)"])
        }
        demo?.stop()
    }

    /// The name of this database in the keys of blocks. The demo's port changes with each start, and its bytes do not. Real
    /// files are another database than generated ones.
    private static func identity(of origin: MountPlan.OriginChoice) throws(Failure) -> String {
        switch origin {
        // Without user name and password: they may change, and the blocks are the same.
        case .endpoint(let choice): choice.url
        case .demo(nil): "demo"
        case .demo(let data?): "demo of \(try MountTable.absolute(data))"
        }
    }

    private static func sentence(_ error: FuseError) -> String {
        guard case .mountFailed(_, let reason) = error, geteuid() == 0, reason.contains("\(Errno(rawValue: EPERM))")
        else { return "\(error)" }
        return "\(error); root may mount only with CAP_SYS_ADMIN: start a container with --cap-add SYS_ADMIN"
    }

    private static func sentence(_ error: SourceError, endpoint: String) -> String {
        switch error.kind {
        case .outage: "no catalogue is cached, so there is nothing to show offline: mount once with the network"
        case .unusable: "the database at \(endpoint) sent no usable list of cells: \(error)"
        default:
            error.cause is TransportError
                ? "cannot reach the database at \(endpoint), and no catalogue is cached: \(error)"
                : "cannot bring up the catalogue from \(endpoint): \(error)"
        }
    }
}
