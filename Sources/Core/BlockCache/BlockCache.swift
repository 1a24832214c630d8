public import Logging
import Support

/// A persistent cache of verified blocks in one directory, owned by one process at a time.
///
/// Blocks are files that prove themselves (``BlockHeader``), so that a crash, a full disk or a flipped bit can only cost a
/// block and never give wrong bytes. Reads and writes may come from any thread; each blocks for the time of a local file
/// access. Everything is best effort: when the file system fails, blocks are missed or not stored, and serving goes on.
public final class BlockCache: Sendable {
    private let state: CacheState
    private let thread: NamedThread

    /// Opens the cache in `directory`, which is made if its parent exists. What is in it may be read at once; a thread
    /// counts it meanwhile.
    ///
    /// On a read-only file system what is there is served and nothing is stored. Open after becoming a daemon: the lock
    /// names the process.
    ///
    /// - Parameter owner: who holds the cache, in words for the next who wants it: the mount point.
    /// - Throws: ``BlockCacheError/heldBy(pid:owner:)`` while another cache has the directory open,
    ///   ``BlockCacheError/unusable(path:cause:)`` when there is no such directory and it cannot be made, or
    ///   when something else than a file of the directory's owner stands in place of its lock.
    public convenience init(
        directory: String, limits: CacheLimits, owner: String, logger: Logger
    ) throws(BlockCacheError) {
        try self.init(directory: directory, limits: limits, owner: owner, logger: logger, system: CacheSystem())
    }

    init(
        directory: String, limits: CacheLimits, owner: String, logger: Logger, system: CacheSystem
    ) throws(BlockCacheError) {
        state = CacheState(directory: directory, limits: limits, owner: owner, system: system, logger: logger)
        do throws(FileFault) {
            try state.root.renew()
        } catch {
            throw .unusable(path: directory, cause: error)
        }
        switch DirectoryLock.acquire(state.root, owner: owner) {
        case .acquired(let lock): state.guarded.withLock { $0.lock = lock }
        case .held(let pid, let owner): throw .heldBy(pid: pid, owner: owner)
        // A lock that somebody has planted is for a person to look at; everything else may pass by itself.
        case .failed(let error) where !error.isSystem: throw .unusable(path: directory, cause: error)
        case .failed(let error):
            logger.warning(
                "the cache cannot be written, what it holds is served and nothing is added: \(error)",
                metadata: ["directory": "\(directory)"])
        }
        Self.reportOtherVersions(state.root, logger)
        state.refreshPins()
        let state = self.state
        do throws(ThreadError) {
            thread = try NamedThread("cache") {
                var maintenance = CacheMaintenance(state: state)
                maintenance.run()
            }
        } catch {
            throw .noThread(error)
        }
    }

    deinit { close() }

    /// Blocks of another format are neither read nor touched: this version starts beside them.
    private static func reportOtherVersions(_ root: CacheRoot, _ logger: Logger) {
        // A directory that cannot be listed is reported by the scan.
        let names = (try? root.names()) ?? []
        for name in names where name.hasPrefix("blocks-V") && name != BlockFiles.blocksName {
            logger.notice(
                "the cache directory holds blocks of another version of neuronfs, which are left alone; delete them to regain room",
                metadata: ["directory": "\(root.path)/\(name)"])
        }
    }

    /// The bytes of a block, nil when they are not in the cache. A damaged block is counted, removed and missed.
    public func read(_ key: BlockKey) -> [UInt8]? {
        let digest = BlockDigest(key)
        let (isClosed, stamp) = state.guarded.withLock { ($0.isClosed, $0.index.stamp(of: digest)) }
        guard !isClosed else { return nil }
        let result = state.files.read(digest, expected: key) { header, fileLength in
            noteRead(digest, header, fileLength)
        }
        switch result {
        case .block(_, let bytes, _):
            state.hits.add()
            return bytes
        case .missing:
            // Known, yet gone: a tool removed it. One that was written since we looked is left alone.
            state.guarded.withLock { guarded in
                if let stamp, guarded.index.stamp(of: digest) == stamp { guarded.index.remove(digest) }
            }
        case .other:
            break
        case .corrupt:
            state.discardCorrupt(digest, stamp: stamp, of: key.object.id)
        case .failed(let error):
            state.noteReadFailure(error, state.files.path(digest))
        }
        state.misses.add()
        return nil
    }

    /// Answers the time to set on the file, so that the order of eviction survives a remount; rarely needed.
    private func noteRead(_ digest: BlockDigest, _ header: BlockHeader, _ fileLength: Int) -> Double? {
        let now = state.system.now()
        return state.guarded.withLock { guarded in
            let isDue: Bool
            if let known = guarded.index.noteRead(digest, now: now) {
                isDue = known
            } else {
                guarded.index.insert(
                    digest, objectID: header.key.object.id, length: fileLength, fetchCost: header.fetchCost,
                    lastUse: now, isRead: true)
                isDue = true
            }
            return isDue && guarded.lock != nil ? now : nil
        }
    }

    /// Whether a block seems to be in the cache, without proof: it may be damaged or have been removed by a tool. Reads
    /// memory once the first scan has ended, a directory entry before.
    public func contains(_ key: BlockKey) -> Bool {
        let digest = BlockDigest(key)
        let known = state.guarded.withLock { guarded -> Bool? in
            if guarded.isClosed { return false }
            return guarded.index.contains(digest) ? true : guarded.isScanning ? nil : false
        }
        return known ?? ((try? state.files.status(digest)) != nil)
    }

    /// Whether the file of a block is in the cache's directory at this moment, without proof that it is sound. Always looks
    /// at the disk, so that it sees what a tool has removed. Counts as a use in the order of eviction: who asks will need
    /// the block.
    public func isOnDisk(_ key: BlockKey) -> Bool {
        let digest = BlockDigest(key)
        do throws(FileFault) {
            try state.files.look(digest) {
                let now = state.system.now()
                let isDue = state.guarded.withLock { $0.index.noteNeed(digest, now: now) == true && $0.lock != nil }
                return isDue ? now : nil
            }
            return true
        } catch {
            // What cannot be looked at cannot be served either.
            return false
        }
    }

    /// Counts a miss of a block that has no name yet: the version of its object is not known.
    public func noteUnnamedMiss() { state.misses.add() }

    /// Stores a block, removing others when there is no room. Never fails: when the file system refuses, that is logged
    /// once, blocks are not stored for a while, and storing resumes by itself.
    ///
    /// - Parameter fetchCost: seconds that fetching took; the dearer, the longer the block is kept.
    public func write(_ key: BlockKey, _ bytes: [UInt8], fetchCost: Double) {
        let now = state.system.now()
        let mayTry = state.guarded.withLock { guarded in
            !guarded.isClosed && guarded.lock != nil && guarded.gate.mayTry(now)
        }
        let digest = BlockDigest(key)
        guard mayTry, let header = BlockHeader(key: key, digest: digest, bytes: bytes, fetchCost: fetchCost) else {
            state.writesRefused.add()
            return
        }
        let length = header.length + bytes.count
        guard makeRoom(length, now) else {
            state.writesRefused.add()
            return
        }
        do throws(FileFault) {
            if let fault = state.system.writeFault() { throw FileFault("", fault) }
            try state.files.write(digest, header: header.encoded(), data: bytes)
        } catch {
            state.guarded.withLock { $0.index.release(length: length) }
            state.writeFailures.add()
            noteFailure("\(error)", now)
            return
        }
        state.writes.add()
        let isResumed = state.guarded.withLock { guarded in
            guarded.index.release(length: length)
            guarded.index.insert(
                digest, objectID: key.object.id, length: length, fetchCost: header.fetchCost, lastUse: now,
                isRead: false)
            guarded.saidFullOfPins = false
            return guarded.gate.noteSuccess()
        }
        if isResumed { state.logger.notice("blocks are stored in the cache again") }
    }

    private func makeRoom(_ length: Int, _ now: Double) -> Bool {
        // Here, so that a pin made a moment ago is honoured by the next eviction.
        state.refreshPins()
        let (reservation, free) = state.room.withLock { _ in
            // Before the free room: a write that ends in between is in one of the two.
            let pending = state.guarded.withLock { $0.index.reserved }
            let free = state.system.freeBytes(state.root.path)
            let reservation = state.guarded.withLock {
                $0.index.reserve(length: length, limits: state.limits, free: free, pending: pending, now: now)
            }
            if case .room(let victims) = reservation { state.evict(victims) }
            return (reservation, free)
        }
        switch reservation {
        case .room:
            return true
        case .diskFull:
            noteFailure("only \(free ?? 0) bytes are free on its file system", now)
            return false
        case .cacheFull:
            let isNews = state.guarded.withLock { guarded in
                guard guarded.index.pinnedBytes + length > state.limits.maximumBytes else { return false }
                defer { guarded.saidFullOfPins = true }
                return !guarded.saidFullOfPins
            }
            if isNews { state.logger.warning("the cache is full of pinned blocks; nothing more is stored") }
            return false
        }
    }

    private func noteFailure(_ reason: String, _ now: Double) {
        guard state.guarded.withLock({ $0.gate.noteFailure(now) }) else { return }
        state.logger.warning(
            "blocks cannot be stored in the cache, serving goes on uncached: \(reason)",
            metadata: ["directory": "\(state.root.path)"])
    }

    /// Removes all blocks of the object `id`, in all its versions.
    public func removeObject(id: String) {
        let digests = state.guarded.withLock { guarded -> [BlockDigest] in
            guard guarded.lock != nil else { return [] }
            if guarded.isScanning { guarded.removedDuringScan.insert(id) }
            let digests = guarded.index.blocks(ofObject: id)
            for digest in digests { guarded.index.remove(digest) }
            return digests
        }
        state.removeFiles(digests)
    }

    /// Bytes on disk of the blocks of the object `id`, in all its versions and levels. Walks the whole index: for a
    /// person's question, not for the serving path.
    public func bytes(ofObject id: String) -> Int {
        state.guarded.withLock { $0.index.bytes(ofObject: id) }
    }

    /// Counts since opening, and what the cache holds now.
    public var statistics: CacheStatistics { state.statistics }

    /// Blocks until what earlier owners left has been counted. For tests and tools.
    public func waitForScan() {
        state.guarded.wait { $0.isScanning && !$0.isClosed ? nil : () }
    }

    /// Ends the maintenance thread and gives the directory free. Later reads miss and later writes do nothing.
    public func close() {
        state.guarded.update { $0.isClosed = true }
        thread.join()
        state.guarded.withLock { $0.lock = nil }
    }
}
