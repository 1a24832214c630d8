import Logging
import Support

/// The work of the store's own thread: counts the blocks of earlier owners, then watches for changes made by others and sets
/// times of use on files.
struct CacheMaintenance {
    let state: CacheState
    private var removals: FileStatus?
    /// Whether the log has it that the directory cannot be made.
    private var saidNoDirectory = false

    init(state: CacheState) {
        self.state = state
        removals = Self.removalsVersion(state.root)
    }

    /// The file that a tool touches after it has removed blocks without owning the directory.
    static let removalsName = "removals"

    private static func removalsVersion(_ root: CacheRoot) -> FileStatus? {
        (try? root.version(of: removalsName)) ?? nil
    }

    /// Runs until the store is closed.
    mutating func run() {
        state.refreshPins()
        CacheScanner(state: state).scan()
        while !isClosedAfterPause() {
            let regained = holdLock()
            state.refreshPins()
            state.storeUses()
            let version = Self.removalsVersion(state.root)
            if regained || version != removals {
                removals = version
                CacheScanner(state: state).scan()
            }
        }
        state.storeUses()
    }

    private func isClosedAfterPause() -> Bool {
        state.guarded.wait(until: Instant.now.advanced(bySeconds: state.system.pollSeconds)) { guarded in
            guarded.isClosed ? true : nil
        } ?? false
    }

    /// Acquires the lock where it is not held: the first try may have failed, or the directory was deleted since.
    /// Returns whether this call acquired it.
    private mutating func holdLock() -> Bool {
        let lock = state.guarded.withLock { $0.lock }
        if let lock, lock.isCurrent { return false }
        if lock != nil {
            state.logger.warning(
                "the cache directory was deleted or replaced", metadata: ["directory": "\(state.root.path)"])
            // Dropped before the next try: were it the same file after all, this process would wait for itself.
            state.guarded.withLock { $0.lock = nil }
        }
        // At every try: the disk may have been unmounted, and mounted again without the directory.
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
