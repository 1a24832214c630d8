package import Support

/// How much room a cache may take. Both limits are enforced at every write, before the block is written.
package struct CacheLimits: Sendable {
    /// The most bytes on disk of all blocks, each rounded up to whole 4 KiB as file systems do.
    package var maximumBytes: Int
    /// The bytes to leave free on the file system that holds the cache.
    package var minimumFreeBytes: Int

    /// Limits from their parts, in bytes.
    package init(maximumBytes: Int, minimumFreeBytes: Int) {
        self.maximumBytes = maximumBytes
        self.minimumFreeBytes = minimumFreeBytes
    }
}

/// Counts of a cache: its blocks now, and the calls since it was opened.
package struct CacheStatistics: Equatable, Sendable {
    /// Blocks known; grows while ``scanning``.
    package var blocks = 0
    /// Bytes on disk of the blocks known.
    package var bytes = 0
    /// The part of ``blocks`` that is pinned.
    package var pinnedBlocks = 0
    /// The part of ``bytes`` that is pinned.
    package var pinnedBytes = 0
    /// Reads answered from the cache.
    package var hits = 0
    /// Reads not answered from the cache, for any reason.
    package var misses = 0
    /// Blocks found damaged, removed and treated as missing.
    package var corrupt = 0
    /// Reads that failed with an error of the file system; each is also a miss.
    package var readFailures = 0
    /// Blocks removed to make room.
    package var evicted = 0
    /// Blocks stored.
    package var writes = 0
    /// Blocks not stored because the file system refused.
    package var writeFailures = 0
    /// Blocks not stored for lack of room, or while writing is suspended after a failure. Room lacks when the disk is full, or
    /// when all other blocks are pinned or in use.
    package var writesRefused = 0
    /// Whether the blocks left by earlier owners are still being counted. Reads work meanwhile.
    package var scanning = false
    /// Whether blocks are being stored. False after a failure until the next success, and on a read-only file system.
    package var writable = true

    /// All zero.
    package init() {}
}

/// Why a cache directory cannot be opened.
package enum CacheError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another process, or another store of this process, owns the directory.
    case heldBy(pid: Int32, owner: String)
    /// The directory does not exist and cannot be made, or something in it cannot be used.
    case unusable(path: String, cause: FileFault)
    /// The system gave no thread for the maintenance of the cache.
    case noThread(ThreadError)

    /// One sentence for a person.
    package var description: String {
        switch self {
        case .heldBy(let pid, let owner):
            "the cache directory is in use by process \(pid) (\(owner)), and one mount has it at a time: "
                + "name another with --cache-dir"
        case .unusable(let path, let cause): "the cache directory \(path) cannot be used: \(cause)"
        case .noThread(let error): "\(error)"
        }
    }
}
