import Logging
import Support

/// The cache's own thread: learns what earlier owners left, then watches for changes made by others.
struct CacheMaintenance {
    let state: CacheState
    private var removals: FileStatus?
    /// Whether it has been said that the directory cannot be made.
    private var saidNoDirectory = false

    init(state: CacheState) {
        self.state = state
        removals = Self.removalsVersion(state.root)
    }

    /// The file that a tool touches after it has removed blocks without owning the cache.
    static let removalsName = "removals"

    private static func removalsVersion(_ root: CacheRoot) -> FileStatus? {
        (try? root.version(of: removalsName)) ?? nil
    }

    /// Runs until the cache is closed.
    mutating func run() {
        state.refreshPins()
        CacheScanner(state: state).scan()
        while !isClosedAfterPause() {
            let regained = holdLock()
            state.refreshPins()
            let version = Self.removalsVersion(state.root)
            if regained || version != removals {
                removals = version
                CacheScanner(state: state).scan()
            }
        }
    }

    private func isClosedAfterPause() -> Bool {
        state.guarded.wait(until: Instant.now.advanced(bySeconds: state.system.pollSeconds)) { guarded in
            guarded.isClosed ? true : nil
        } ?? false
    }

    /// Sees to it that the lock is held, also after the directory was deleted and when it could not be had at first.
    /// Returns whether it has just been acquired.
    private mutating func holdLock() -> Bool {
        let lock = state.guarded.withLock { $0.lock }
        if let lock, lock.isCurrent { return false }
        if lock != nil {
            state.logger.warning(
                "the cache directory was deleted or replaced", metadata: ["directory": "\(state.root.path)"])
            // Dropped before the next try: were it the same file after all, we would wait for ourselves.
            state.guarded.withLock { $0.lock = nil }
        }
        // At every try: its disk may have been unmounted, and come back without it.
        do throws(FileFault) {
            try state.root.renew()
        } catch {
            state.root.forget()
            if !saidNoDirectory {
                state.logger.warning(
                    "the cache directory cannot be made again, serving goes on uncached: \(error)",
                    metadata: ["directory": "\(state.root.path)"])
            }
            saidNoDirectory = true
            return false
        }
        switch DirectoryLock.acquire(state.root, owner: state.owner) {
        case .acquired(let lock):
            state.guarded.withLock { $0.lock = lock }
            saidNoDirectory = false
            state.logger.info("the cache is in use again", metadata: ["directory": "\(state.root.path)"])
            return true
        case .held(let pid, let owner):
            if lock != nil {
                state.logger.warning("the cache now belongs to process \(pid) (\(owner)); serving goes on uncached")
            }
            return false
        case .failed:
            return false
        }
    }
}
