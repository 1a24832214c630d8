import BlockStore
import Fetch
import FuseAdapter
import Glibc
internal import Specimens
import Support
import Transport

/// What a mount has done and is doing, at one moment: a few hundred bytes, of which `.neuronfs/status.json` and
/// `.neuronfs/metrics` are made.
struct MountActivity: Sendable {
    let mountPoint: String
    let endpoint: String
    let cacheDirectory: String
    /// Bytes.
    let cacheLimit: Int
    /// Seconds since the mount began.
    let uptime: Double
    /// Cells in the list.
    let cells: Int
    /// When the list was confirmed last, seconds since 1970.
    let fetchedAt: Double
    let generation: Int
    let refreshes: CatalogueRefresher.Outcome
    let refused: RefusedList?
    let fetch: FetchStatistics
    let cache: CacheStatistics
    let http: TransportStatistics
    /// Latency in seconds.
    let slowestHost: (name: String, latency: Double)?
    let kernel: FuseStatistics?
    /// Bytes of decoded tiles in memory.
    let tileMemory: Int

    /// The members of `status.json`.
    var status: JSONValue {
        var network: JSONObject = [
            "requests": .int(http.requests), "in_flight": .int(http.inFlight), "retries": .int(http.retries),
            "failed": .int(http.failed), "cancelled": .int(http.cancelled), "received_bytes": .int(http.bytesReceived),
            "unreachable": .array(fetch.unreachableHosts.map { .string($0) }),
            "busy": .array(http.busyHosts.prefix(8).map { .string($0) }),
        ]
        if let slowestHost {
            network["slowest_host"] = .string(slowestHost.name)
            network["slowest_host_latency_seconds"] = .double(slowestHost.latency)
        }
        let looked = cache.hits + cache.misses
        return [
            "mount_point": .string(mountPoint), "state": "serving", "pid": .int(Int(getpid())),
            "endpoint": .string(endpoint), "uptime_seconds": .double(uptime.rounded()),
            "catalogue": [
                "cells": .int(cells), "fetched_at": .double(fetchedAt),
                "generation": .int(generation), "syncs": .int(refreshes.finished),
                "sync_error": refreshes.error.map { .string($0) } ?? .null,
                "refused_list": refused.map {
                    ["refused_at": .double($0.time), "reason": .string($0.reason)]
                }
                    ?? .null,
            ],
            "readers": [
                "waiting": .int(kernel?.waiting ?? 0), "oldest_wait_seconds": .double(kernel?.oldestWait ?? 0),
                "timed_out": .int(kernel?.expired ?? 0), "served_bytes": .int(kernel?.servedBytes ?? 0),
            ],
            "cache": [
                "directory": .string(cacheDirectory), "blocks": .int(cache.blocks),
                "size_bytes": .int(cache.bytes), "limit_bytes": .int(cacheLimit),
                "pinned_bytes": .int(cache.pinnedBytes), "hits": .int(cache.hits),
                "misses": .int(cache.misses),
                "hit_rate": .double(looked == 0 ? 0 : Double(cache.hits * 1000 / looked) / 1000),
                "corrupt": .int(cache.corrupt), "evicted": .int(cache.evicted),
                "write_failures": .int(cache.writeFailures), "writable": .bool(cache.writable),
                "scanning": .bool(cache.scanning),
            ],
            "memory": ["tiles_bytes": .int(tileMemory)],
            "network": .object(network),
        ]
    }

    /// Prometheus text exposition format 0.0.4.
    var metrics: String {
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
        page.gauge("cache_blocks", "Blocks in the cache.", cache.blocks)
        page.gauge("cache_bytes", "Bytes in the cache.", cache.bytes)
        page.gauge("cache_pinned_bytes", "Bytes of pinned blocks.", cache.pinnedBytes)
        page.counter("cache_hits_total", "Blocks read from the cache.", cache.hits)
        page.counter("cache_misses_total", "Blocks not found in the cache.", cache.misses)
        page.counter("cache_corrupt_total", "Blocks that failed their checksum.", cache.corrupt)
        page.counter("cache_evicted_total", "Blocks removed for room.", cache.evicted)
        page.counter("cache_write_failures_total", "Blocks that could not be written.", cache.writeFailures)
        page.gauge("readers_waiting", "File system requests that wait.", kernel?.waiting ?? 0)
        page.counter("readers_timed_out_total", "File system requests ended by their deadline.", kernel?.expired ?? 0)
        page.counter("served_bytes_total", "Bytes handed to readers.", kernel?.servedBytes ?? 0)
        page.gauge("tile_memory_bytes", "Decoded tiles in memory.", tileMemory)
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
