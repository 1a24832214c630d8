package import Logging
package import Support

/// A store in one directory of a local disk, owned by one process at a time. Users call it the cache.
///
/// A block is a file that proves itself (``BlockHeader``). So a crash, a full disk or a flipped bit can only cost a block and
/// never gives wrong bytes. Any thread may call; a call blocks for the time of a local file access, except
/// ``readNow(_:_:)``. When the file system fails, blocks are missed or not stored, and serving goes on.
package final class DiskBlockStore: BlockStore {
    let state: CacheState
    private let thread: NamedThread

    /// Opens the store in `directory`, which is made if its parent exists. Blocks from earlier may be read at once, while a
    /// thread counts them.
    ///
    /// On a read-only file system the store serves the blocks it has and stores none. Open after becoming a daemon: the lock
    /// names the process.
    ///
    /// - Parameter owner: a name of the holder for the message to the next opener: the mount point.
    /// - Throws: ``CacheError/heldBy(pid:owner:)`` while another store has the directory open.
    ///   ``CacheError/unusable(path:cause:)`` when there is no such directory and it cannot be made, or when its lock is not
    ///   a file of the directory's owner. ``CacheError/noThread(_:)`` when the system gives no thread.
    package convenience init(
        directory: String, limits: CacheLimits, owner: String, logger: Logger
    ) throws(CacheError) {
        try self.init(directory: directory, limits: limits, owner: owner, logger: logger, system: CacheSystem())
    }

    init(
        directory: String, limits: CacheLimits, owner: String, logger: Logger, system: CacheSystem
    ) throws(CacheError) {
        state = CacheState(directory: directory, limits: limits, owner: owner, system: system, logger: logger)
        do throws(FileFault) {
            try state.root.renew()
        } catch {
            throw .unusable(path: directory, cause: error)
        }
        switch DirectoryLock.acquire(state.root, owner: owner) {
        case .acquired(let lock): state.guarded.withLock { $0.lock = lock }
        case .held(let pid, let owner): throw .heldBy(pid: pid, owner: owner)
        // A person must look at a planted lock. Every other failure may pass by itself.
        case .failed(let error) where !error.isSystem: throw .unusable(path: directory, cause: error)
        case .failed(let error):
            logger.warning(
                "the cache cannot be written; the blocks it has are served and none are added: \(error)",
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
        // The scan reports a directory that cannot be listed.
        let names = (try? root.names()) ?? []
        for name in names where name.hasPrefix("blocks-V") && name != BlockFiles.blocksName {
            logger.notice(
                "the cache directory holds blocks of another version of neuronfs, which are left alone; delete them to regain room",
                metadata: ["directory": "\(root.path)/\(name)"])
        }
    }

    package var isLocal: Bool { true }

    /// Always ``Claim/impossible``: one process at a time fetches into the directory.
    package func claim(_ key: BlockKey, token: CancellationToken) -> Promise<Claim, Never> {
        Promise(.success(.impossible))
    }

    package func bytes(ofObject id: String) -> Int {
        state.guarded.withLock { $0.index.bytes(ofObject: id) }
    }

    package func noteUnnamedMiss() { state.misses.add() }

    /// Counts since opening, and the size of the store now.
    package var statistics: CacheStatistics { state.statistics }

    /// Blocks until the blocks of earlier owners have been counted. For tests and tools.
    package func waitForScan() {
        state.guarded.wait { $0.isScanning && !$0.isClosed ? nil : () }
    }

    /// Ends the maintenance thread and gives the directory free. Later reads miss and later writes do nothing.
    package func close() {
        state.guarded.update { $0.isClosed = true }
        thread.join()
        state.guarded.withLock { $0.lock = nil }
    }
}
