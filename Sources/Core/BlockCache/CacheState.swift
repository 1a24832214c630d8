import Logging
import Support

/// What the cache's callers and its maintenance thread share.
final class CacheState: Sendable {
    struct Guarded {
        var index = BlockIndex()
        var gate = WriteGate()
        var lock: DirectoryLock?
        var isClosed = false
        var isScanning = true
        /// Objects removed while the scan has not yet met all their blocks.
        var removedDuringScan: Set<String> = []
        var pinsVersion: Disk.Status?
        var saidFullOfPins = false
    }

    let files: BlockFiles
    let pinFile: PinFile
    let limits: CacheLimits
    let owner: String
    let system: CacheSystem
    let logger: Logger
    /// Lock order: innermost; nothing is called out and no file is touched while it is held.
    let guarded = Monitor(Guarded())

    let hits = Counter()
    let misses = Counter()
    let corrupt = Counter()
    let readFailures = Counter()
    let evicted = Counter()
    let writes = Counter()
    let writeFailures = Counter()
    let writesRefused = Counter()

    init(directory: String, limits: CacheLimits, owner: String, system: CacheSystem, logger: Logger) {
        files = BlockFiles(directory: directory)
        pinFile = PinFile(directory: directory)
        self.limits = limits
        self.owner = owner
        self.system = system
        self.logger = logger
    }

    var isOwner: Bool { guarded.withLock { $0.lock != nil } }

    /// Removes the files of blocks that the index has given up.
    func removeFiles(_ digests: [BlockDigest]) {
        for digest in digests {
            do throws(Errno) {
                try Disk.remove(files.path(digest))
            } catch {
                logger.debug("cannot remove a cache block: \(error)", metadata: ["file": "\(files.path(digest))"])
            }
        }
    }

    /// Counts, reports and removes a damaged block.
    func discardCorrupt(_ digest: BlockDigest, of id: String?) {
        corrupt.add()
        if isPowerOfTwo(corrupt.value) {
            logger.warning(
                "damaged cache block removed; it will be fetched again",
                metadata: [
                    "file": "\(files.path(digest))", "object": "\(id ?? "unknown")", "count": "\(corrupt.value)",
                ])
        }
        let isOwner = guarded.withLock { state in
            state.index.remove(digest)
            return state.lock != nil
        }
        if isOwner { removeFiles([digest]) }
    }

    /// Counts a failed read, and reports it at the first, second, fourth, ... so that a dying disk does not fill the log.
    func noteReadFailure(_ error: Errno, _ path: String) {
        readFailures.add()
        if isPowerOfTwo(readFailures.value) {
            logger.warning(
                "the cache cannot be read; serving goes on from the source: \(error)",
                metadata: ["file": "\(path)", "count": "\(readFailures.value)"])
        }
    }

    private func isPowerOfTwo(_ count: Int) -> Bool { count > 0 && count & (count - 1) == 0 }

    /// Reads the pins again when their file has changed.
    func refreshPins() {
        let version = pinFile.version()
        guard guarded.withLock({ $0.pinsVersion != version }) else { return }
        do throws(Errno) {
            let pins = try pinFile.read()
            guarded.withLock { state in
                state.index.setPins(pins)
                state.pinsVersion = version
            }
        } catch {
            logger.warning("the list of pins cannot be read; the last one stays in force: \(error)")
        }
    }

    var statistics: CacheStatistics {
        var result = guarded.withLock { state in
            var result = CacheStatistics()
            result.blocks = state.index.count
            result.bytes = state.index.bytes
            result.pinnedBlocks = state.index.pinnedBlocks
            result.pinnedBytes = state.index.pinnedBytes
            result.scanning = state.isScanning
            result.writable = state.lock != nil && state.gate.isOpen
            return result
        }
        result.hits = hits.value
        result.misses = misses.value
        result.corrupt = corrupt.value
        result.readFailures = readFailures.value
        result.evicted = evicted.value
        result.writes = writes.value
        result.writeFailures = writeFailures.value
        result.writesRefused = writesRefused.value
        return result
    }
}
