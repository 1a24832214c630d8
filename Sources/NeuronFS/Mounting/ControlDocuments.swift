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

    func text(_ file: ControlFile) -> String {
        switch file {
        case .status: ControlDocument.text(of: status)
        case .metrics: metrics
        case .config: ControlDocument.text(of: config)
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

    private var status: JSONValue {
        let fetch = fetcher.statistics
        let cacheState = cache.statistics
        let http = transport.statistics
        let kernel = kernel.withLock { $0.session }?.statistics
        let list = source.list
        let asked = refresher.outcome
        var network: JSONObject = [
            "requests": .int(http.requests), "in_flight": .int(http.inFlight), "retries": .int(http.retries),
            "failed": .int(http.failed), "cancelled": .int(http.cancelled), "received_bytes": .int(http.bytesReceived),
            "unreachable": .array(fetch.unreachableHosts.map { .string($0) }),
            "busy": .array(http.busyHosts.prefix(8).map { .string($0) }),
        ]
        if let slowest = http.slowestHost {
            network["slowest_host"] = .string(slowest.name)
            network["slowest_host_latency_seconds"] = .double(slowest.host.latency)
        }
        let looked = cacheState.hits + cacheState.misses
        return [
            "mount_point": .string(plan.path), "state": "serving", "pid": .int(Int(getpid())),
            "endpoint": .string(endpoint), "uptime_seconds": .double(Instant.now.seconds(since: started).rounded()),
            "catalogue": [
                "cells": .int(list.specimens.count), "fetched_at": .double(list.fetchedAt),
                "generation": .int(list.generation), "syncs": .int(asked.finished),
                "sync_error": asked.error.map { .string($0) } ?? .null,
                "refused_list": source.refused.map {
                    ["refused_at": .double($0.time), "reason": .string($0.reason)]
                }
                    ?? .null,
            ],
            "readers": [
                "waiting": .int(kernel?.waiting ?? 0), "oldest_wait_seconds": .double(kernel?.oldestWait ?? 0),
                "timed_out": .int(kernel?.expired ?? 0), "served_bytes": .int(kernel?.servedBytes ?? 0),
            ],
            "cache": [
                "directory": .string(plan.cacheDirectory), "blocks": .int(cacheState.blocks),
                "size_bytes": .int(cacheState.bytes), "limit_bytes": .int(plan.settings.cacheSize.bytes),
                "pinned_bytes": .int(cacheState.pinnedBytes), "hits": .int(cacheState.hits),
                "misses": .int(cacheState.misses),
                "hit_rate": .double(looked == 0 ? 0 : Double(cacheState.hits * 1000 / looked) / 1000),
                "corrupt": .int(cacheState.corrupt), "evicted": .int(cacheState.evicted),
                "write_failures": .int(cacheState.writeFailures), "writable": .bool(cacheState.writable),
                "scanning": .bool(cacheState.scanning),
            ],
            "memory": ["tiles_bytes": .int(planes.memory)],
            "network": .object(network),
        ]
    }

    /// Prometheus text exposition format 0.0.4.
    private var metrics: String {
        let fetch = fetcher.statistics
        let cacheState = cache.statistics
        let http = transport.statistics
        let kernel = kernel.withLock { $0.session }?.statistics
        var page = MetricsPage()
        page.counter("http_requests_total", "HTTP requests begun.", http.requests)
        page.counter("http_failures_total", "HTTP requests that failed for good.", http.failed)
        page.counter("http_cancelled_total", "HTTP requests cancelled because no reader waited.", http.cancelled)
        page.counter("http_retries_total", "Attempts beyond the first.", http.retries)
        page.counter("http_resumed_total", "Cut bodies that were continued by range.", http.resumed)
        page.counter("http_connections_total", "Connections opened.", http.connections)
        page.counter("http_received_bytes_total", "Bytes of bodies received.", http.bytesReceived)
        page.gauge("http_in_flight", "HTTP requests under way.", http.inFlight)
        page.gauge("http_queued", "HTTP requests waiting for a slot.", http.waiting)
        page.counters(
            "http_faults_total", "Failed attempts by kind.", label: "kind",
            http.faults.map { ($0.key.rawValue, $0.value) })
        page.counter("fetch_flights_total", "Blocks looked for.", fetch.flights)
        page.counter("fetch_joined_total", "Readers that shared a flight.", fetch.joined)
        page.gauge("fetch_flights", "Blocks being looked for.", fetch.flightsNow)
        page.gauge("fetch_waiting_readers", "Readers waiting for a block.", fetch.waitingReaders)
        page.counter("fetch_from_cache_total", "Blocks found in the cache.", fetch.fromStore)
        page.counter("fetch_refetched_total", "Blocks fetched again because their bytes were wrong.", fetch.refetched)
        page.counter("fetch_abandoned_total", "Requests ended because no reader waited.", fetch.abandoned)
        page.counter("fetch_offline_refusals_total", "Readers refused at once.", fetch.offlineRefusals)
        page.counter("prefetch_total", "Blocks fetched ahead of a reader.", fetch.prefetched)
        page.counter("prefetch_used_total", "Of those, blocks a reader then wanted.", fetch.prefetchedUsed)
        page.counter("prefetch_dropped_total", "Hints that read-ahead dropped.", fetch.prefetchDropped)
        page.gauge("cache_blocks", "Blocks in the cache.", cacheState.blocks)
        page.gauge("cache_bytes", "Bytes in the cache.", cacheState.bytes)
        page.gauge("cache_pinned_bytes", "Bytes of pinned blocks.", cacheState.pinnedBytes)
        page.counter("cache_hits_total", "Blocks read from the cache.", cacheState.hits)
        page.counter("cache_misses_total", "Blocks not found in the cache.", cacheState.misses)
        page.counter("cache_corrupt_total", "Blocks that failed their checksum.", cacheState.corrupt)
        page.counter("cache_evicted_total", "Blocks removed for room.", cacheState.evicted)
        page.counter("cache_write_failures_total", "Blocks that could not be written.", cacheState.writeFailures)
        page.gauge("readers_waiting", "File system requests that wait.", kernel?.waiting ?? 0)
        page.counter("readers_timed_out_total", "File system requests ended by their deadline.", kernel?.expired ?? 0)
        page.counter("served_bytes_total", "Bytes handed to readers.", kernel?.servedBytes ?? 0)
        page.gauge("tile_memory_bytes", "Decoded tiles in memory.", planes.memory)
        return page.text
    }
}

/// Lines of the Prometheus text format.
private struct MetricsPage {
    private(set) var text = ""

    mutating func counter(_ name: String, _ help: String, _ value: Int) { add(name, help, "counter", [("", value)]) }

    mutating func gauge(_ name: String, _ help: String, _ value: Int) { add(name, help, "gauge", [("", value)]) }

    mutating func counters(_ name: String, _ help: String, label: String, _ values: [(String, Int)]) {
        guard !values.isEmpty else { return }
        add(name, help, "counter", values.sorted { $0.0 < $1.0 }.map { ("{\(label)=\"\($0.0)\"}", $0.1) })
    }

    private mutating func add(_ name: String, _ help: String, _ type: String, _ values: [(String, Int)]) {
        text += "# HELP neuronfs_\(name) \(help)\n# TYPE neuronfs_\(name) \(type)\n"
        for (labels, value) in values { text += "neuronfs_\(name)\(labels) \(value)\n" }
    }
}
