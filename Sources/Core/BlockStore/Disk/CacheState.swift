import Logging
import Support

/// The state that the callers of a ``DiskBlockStore`` share with its maintenance thread.
final class CacheState: Sendable {
    struct Guarded {
        var index = BlockIndex()
        var gate = WriteGate()
        var lock: DirectoryLock?
        var isClosed = false
        var isScanning = true
        /// Whether the last scan has ended and could list every directory.
        var isScanComplete = false
        /// Whether kernel and file system can answer from memory alone, as far as is known.
        var canReadNow = true
        /// Times of use that the maintenance thread is to set on files, in seconds since 1970. They let the order of eviction
        /// survive a remount. Not set by the reader, because a file system may wait for its device then.
        var usesToStore: [BlockDigest: Double] = [:]
        var pinsLook: PinsLook?
        var saidFullOfPins = false

        /// Whether a block that the index does not have is not in the directory either: only the owner writes.
        var knowsAllBlocks: Bool { isScanComplete && lock != nil }

        /// Notes the time of a use to set on the file of a block. Only the owner changes files.
        mutating func noteUseToStore(_ digest: BlockDigest, _ now: Double) {
            if lock != nil { usesToStore[digest] = now }
        }
    }

    /// The result of a look at the file of pins.
    struct PinsLook: Equatable {
        var version: FileStatus?
        var failure: FileFault?
    }

    let root: CacheRoot
    let files: BlockFiles
    let pinFile: PinFile
    let limits: CacheLimits
    let owner: String
    let system: CacheSystem
    let logger: Logger
    /// Held from the look at the free room until the victims are removed, so that writers side by side do not each evict for
    /// the whole shortage.
    let room = Monitor(Turn())
    /// Held from the look at the file of pins until the index has them, so that an earlier look does not replace the result
    /// of a later one.
    private let pinsTurn = Monitor(Turn())
    /// Lock order: innermost. Nothing is called and no file is touched while it is held.
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
        root = CacheRoot(path: directory)
        files = BlockFiles(root: root)
        pinFile = PinFile(root: root)
        self.limits = limits
        self.owner = owner
        self.system = system
        self.logger = logger
    }

    var isOwner: Bool { guarded.withLock { $0.lock != nil } }

    /// Removes the files of blocks that the index has given up.
    func removeFiles(_ digests: [BlockDigest]) {
        for digest in digests {
            do throws(FileFault) {
                try files.remove(digest)
            } catch {
                logger.debug("cannot remove a cache block: \(error)", metadata: ["file": "\(files.path(digest))"])
            }
        }
    }

    /// ``removeFiles(_:)`` for blocks that make room for others.
    func evict(_ digests: [BlockDigest]) {
        evicted.add(digests.count)
        removeFiles(digests)
    }

    /// Counts, reports and removes a damaged block.
    ///
    /// - Parameter stamp: the stamp that the index had before the look that found the damage. A block written since stays.
    func discardCorrupt(_ digest: BlockDigest, stamp: UInt8?, of id: String?) {
        corrupt.add()
        if isPowerOfTwo(corrupt.value) {
            logger.warning(
                "damaged cache block removed; it will be fetched again",
                metadata: [
                    "file": "\(files.path(digest))", "object": "\(id ?? "unknown")", "count": "\(corrupt.value)",
                ])
        }
        let isRemoved = guarded.withLock { state in
            guard state.index.stamp(of: digest) == stamp else { return false }
            state.index.remove(digest)
            return state.lock != nil
        }
        if isRemoved { removeFiles([digest]) }
    }

    /// Counts a failed read. The first, second, fourth, ... is reported, so that a dying disk does not fill the log.
    func noteReadFailure(_ error: FileFault, _ path: String) {
        readFailures.add()
        if isPowerOfTwo(readFailures.value) {
            logger.warning(
                "the cache cannot be read; serving goes on from the source: \(error)",
                metadata: ["file": "\(path)", "count": "\(readFailures.value)"])
        }
    }

    /// Sets the times of use that readers have noted on the files.
    func storeUses() {
        let uses = guarded.withLock { state in
            defer { state.usesToStore = [:] }
            return state.usesToStore
        }
        // A block evicted meanwhile needs no time, and any other stays as good without.
        for (digest, time) in uses { try? files.setTime(digest, time) }
    }

    private func isPowerOfTwo(_ count: Int) -> Bool { count > 0 && count & (count - 1) == 0 }

    /// Reads the pins again when their file has changed. A failure is logged once.
    func refreshPins() { pinsTurn.withLock { _ in lookAtPins() } }

    private func lookAtPins() {
        var look = PinsLook()
        do throws(FileFault) {
            look.version = try pinFile.version()
            guard guarded.withLock({ $0.pinsLook != look }) else { return }
            let pins = try pinFile.read()
            guarded.withLock { state in
                state.index.setPins(pins)
                state.pinsLook = look
            }
        } catch {
            look.failure = error
            let (isNews, isKnown) = guarded.withLock { state in
                defer { state.pinsLook = look }
                return (state.pinsLook != look, state.index.knowsPins)
            }
            guard isNews else { return }
            let consequence = isKnown ? "the last one stays in force" : "nothing is evicted until it can"
            logger.warning(
                "the list of pins cannot be read, \(consequence): \(error)",
                metadata: ["directory": "\(root.path)"])
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
