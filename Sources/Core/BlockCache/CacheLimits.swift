public import Support

/// How much room a cache may take. Both limits are enforced at every write, before the block is written.
public struct CacheLimits: Sendable {
    /// The most bytes on disk of all blocks, each rounded up to whole 4 KiB as file systems do.
    public var maximumBytes: Int
    /// The bytes to leave free on the file system that holds the cache.
    public var minimumFreeBytes: Int

    /// Limits from their parts, in bytes.
    public init(maximumBytes: Int, minimumFreeBytes: Int) {
        self.maximumBytes = maximumBytes
        self.minimumFreeBytes = minimumFreeBytes
    }
}

/// What a cache holds and has done since it was opened.
public struct CacheStatistics: Equatable, Sendable {
    /// Blocks known; grows while ``scanning``.
    public var blocks = 0
    /// Bytes on disk of the blocks known.
    public var bytes = 0
    /// The part of ``blocks`` that is pinned.
    public var pinnedBlocks = 0
    /// The part of ``bytes`` that is pinned.
    public var pinnedBytes = 0
    /// Reads answered from the cache.
    public var hits = 0
    /// Reads not answered from the cache, for whatever reason.
    public var misses = 0
    /// Blocks found damaged, removed and treated as missing.
    public var corrupt = 0
    /// Reads that failed with an error of the file system; each is also a miss.
    public var readFailures = 0
    /// Blocks removed to make room.
    public var evicted = 0
    /// Blocks stored.
    public var writes = 0
    /// Blocks not stored because the file system refused.
    public var writeFailures = 0
    /// Blocks not stored for lack of room (all the rest is pinned or in use, or the disk is full), or because writing is
    /// suspended after a failure.
    public var writesRefused = 0
    /// Whether the blocks left by earlier owners are still being counted. Reads work meanwhile.
    public var scanning = false
    /// Whether blocks are being stored. False after a failure until the next success, and on a read-only file system.
    public var writable = true

    /// All zero.
    public init() {}
}

/// Why a cache directory cannot be opened.
public enum BlockCacheError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another process (or another cache of this one) owns the directory.
    case heldBy(pid: Int32, owner: String)
    /// The directory does not exist and cannot be made, or something in it cannot be used.
    case unusable(path: String, cause: FileFault)
    /// The thread that looks after the cache could not be made.
    case noThread(ThreadError)

    /// One sentence for a person.
    public var description: String {
        switch self {
        case .heldBy(let pid, let owner):
            "the cache directory is in use by process \(pid) (\(owner)), and one mount has it at a time: "
                + "name another with --cache-dir"
        case .unusable(let path, let cause): "the cache directory \(path) cannot be used: \(cause)"
        case .noThread(let error): "\(error)"
        }
    }
}
