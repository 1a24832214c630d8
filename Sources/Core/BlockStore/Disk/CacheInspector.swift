import Glibc
import Support

/// Looks into a cache directory and changes it for the command line, while a mount owns it or not.
///
/// Needs no ownership: a block is one file that is complete or absent, and for the owner a missing file is a miss. A removal
/// is announced to the owner by the file `removals`, and the owner counts again.
package struct CacheInspector: Sendable {
    private let root: CacheRoot
    let files: BlockFiles
    private let pinFile: PinFile

    /// An inspector of the cache in `directory`, which need not exist.
    package init(directory: String) {
        root = CacheRoot(path: directory)
        files = BlockFiles(root: root)
        pinFile = PinFile(root: root)
    }

    /// The size of a cache, by name and size of the files alone.
    package struct Summary: Sendable {
        /// Files with the name of a block.
        package var blocks = 0
        /// Their bytes on disk, each rounded up to 4 KiB.
        package var bytes = 0
        /// Prefixes of object ids that are never evicted, sorted.
        package var pins: [String] = []
        /// The process that has the cache open: its pid and the owner's text, a mount point.
        package var holder: (pid: Int32, owner: String)?
        /// Bytes free on the file system; nil when the system does not say.
        package var freeBytes: Int?
        /// Directories of blocks of other versions of the program, which this version leaves alone.
        package var otherVersions: [String] = []
    }

    /// One specimen's part of the cache.
    package struct SpecimenUsage: Equatable, Sendable {
        /// The part of the object ids before the first slash.
        package let specimen: String
        /// Its blocks.
        package internal(set) var blocks: Int
        /// Their bytes on disk.
        package internal(set) var bytes: Int
        /// The part of ``bytes`` that is pinned.
        package internal(set) var pinnedBytes: Int
    }

    /// The result of ``verify(progress:)``.
    package struct Verification: Equatable, Sendable {
        /// Blocks proven good.
        package internal(set) var good = 0
        /// Blocks found damaged, and removed.
        package internal(set) var corrupt = 0
        /// Blocks that the file system could not read. They stay.
        package internal(set) var unreadable = 0
        /// Leftovers of dead writers, removed. Only while no process has the cache open.
        package internal(set) var leftovers = 0
        /// Whether `progress` asked to stop.
        package internal(set) var isStopped = false
    }

    /// The result of a removal.
    package struct Removal: Equatable, Sendable {
        /// Blocks removed.
        package internal(set) var blocks = 0
        /// Bytes on disk given free.
        package internal(set) var bytes = 0
    }

    /// Counts the blocks.
    ///
    /// - Throws: ``CacheError/unusable(path:cause:)`` when a directory cannot be listed.
    package func status() throws(CacheError) -> Summary {
        var summary = Summary()
        try guarding { () throws(FileFault) in
            try forEachName { digest, _ throws(FileFault) in
                guard let digest, let status = try present({ () throws(FileFault) in try files.status(digest) })
                else { return }
                summary.blocks += 1
                summary.bytes += DiskSpace.roundedToPages(status.size)
            }
            summary.pins = try pinFile.read().prefixes.sorted()
            summary.otherVersions = try root.names()
                .filter { $0.hasPrefix("blocks-V") && $0 != BlockFiles.blocksName }.sorted()
            summary.holder = try DirectoryLock.holder(root)
        }
        summary.freeBytes = DiskSpace.freeBytes(root.path)
        return summary
    }

    /// The specimens with blocks, the largest first. Damaged blocks are not counted.
    package func usageBySpecimen() throws(CacheError) -> [SpecimenUsage] {
        var usage: [String: SpecimenUsage] = [:]
        try guarding { () throws(FileFault) in
            let pins = try pinFile.read()
            try forEachBlock { _, header, status in
                guard let header else { return }
                let specimen = ObjectIdentity.specimen(ofID: header.key.object.id)
                let size = DiskSpace.roundedToPages(status.size)
                var entry =
                    usage[specimen] ?? SpecimenUsage(specimen: specimen, blocks: 0, bytes: 0, pinnedBytes: 0)
                entry.blocks += 1
                entry.bytes += size
                if pins.cover(header.key.object.id) { entry.pinnedBytes += size }
                usage[specimen] = entry
            }
        }
        return usage.values.sorted { ($1.bytes, $0.specimen) < ($0.bytes, $1.specimen) }
    }

    /// Reads every block and removes those that are damaged.
    ///
    /// - Parameter progress: called after every block with the number done and the number there; answers whether to go on.
    package func verify(progress: (_ done: Int, _ total: Int) -> Bool) throws(CacheError) -> Verification {
        var result = Verification()
        var digests: [BlockDigest] = []
        var leftovers: [String] = []
        try guarding { () throws(FileFault) in
            try forEachName { digest, name throws(FileFault) in
                if let digest { digests.append(digest) } else { leftovers.append(name) }
            }
            for (done, digest) in digests.enumerated() {
                switch files.read(digest, expected: nil) {
                case .block: result.good += 1
                case .missing: break
                case .other, .corrupt:
                    try files.remove(digest)
                    result.corrupt += 1
                case .failed: result.unreadable += 1
                }
                guard progress(done + 1, digests.count) else {
                    result.isStopped = true
                    break
                }
            }
            if !result.isStopped, try DirectoryLock.holder(root) == nil {
                for name in leftovers where try root.handle().remove(name) { result.leftovers += 1 }
            }
        }
        if result.corrupt > 0 { announceRemovals() }
        return result
    }

    /// Removes the blocks of least worth (least recently used, cheapest to fetch again) until at most `bytes` are used.
    /// Pinned blocks stay. A block with a damaged header belongs to no object and is removed first.
    package func prune(toBytes bytes: Int) throws(CacheError) -> Removal {
        var candidates: [(score: Double, digest: BlockDigest, size: Int)] = []
        var used = 0
        return try removing { remove throws(FileFault) in
            let pins = try pinFile.read()
            try forEachBlock { digest, header, status in
                let size = DiskSpace.roundedToPages(status.size)
                used += size
                guard let header else {
                    candidates.append((-.infinity, digest, size))
                    return
                }
                guard !pins.cover(header.key.object.id) else { return }
                let credit = BlockWorth.credit(seconds: header.fetchCost, bytes: status.size)
                candidates.append((BlockWorth.score(lastUse: status.modified, credit: credit, reads: 0), digest, size))
            }
            for candidate in candidates.sorted(by: { $0.score < $1.score }) where used > bytes {
                try remove(candidate.digest, candidate.size)
                used -= candidate.size
            }
        }
    }

    /// Removes all blocks, or all that are not pinned. A block with a damaged header belongs to no object and is removed.
    package func clear(includingPinned: Bool) throws(CacheError) -> Removal {
        try removing { remove throws(FileFault) in
            let pins = includingPinned ? Pins([]) : try pinFile.read()
            // Without pins no header needs to be read.
            guard !pins.prefixes.isEmpty else {
                return try forEachName { digest, _ throws(FileFault) in
                    guard let digest, let status = try present({ () throws(FileFault) in try files.status(digest) })
                    else { return }
                    try remove(digest, DiskSpace.roundedToPages(status.size))
                }
            }
            try forEachBlock { digest, header, status throws(FileFault) in
                if let header, pins.cover(header.key.object.id) { return }
                try remove(digest, DiskSpace.roundedToPages(status.size))
            }
        }
    }

    /// Removes the blocks of all objects that `prefix` covers, pinned or not.
    package func remove(prefix: String) throws(CacheError) -> Removal {
        let pins = Pins([Self.normalized(prefix)])
        return try removing { remove throws(FileFault) in
            var found: [(BlockDigest, Int)] = []
            try forEachBlock { digest, header, status in
                if let header, pins.cover(header.key.object.id) {
                    found.append((digest, DiskSpace.roundedToPages(status.size)))
                }
            }
            for (digest, size) in found { try remove(digest, size) }
        }
    }

    /// Keeps the blocks of all objects whose id is `prefix` or begins with `prefix/` from being evicted, those to come as well.
    package func pin(_ prefix: String) throws(CacheError) { try pin([prefix]) }

    /// ``pin(_:)-(String)`` for several prefixes at once: all or none.
    package func pin(_ prefixes: [String]) throws(CacheError) {
        try guarding { () throws(FileFault) in try pinFile.change { $0.formUnion(prefixes.map(Self.normalized)) } }
    }

    /// Removes a pin. Returns whether there was one.
    @discardableResult
    package func unpin(_ prefix: String) throws(CacheError) -> Bool { try unpin([prefix]) > 0 }

    /// Removes several pins, all or none. Returns how many there were.
    package func unpin(_ prefixes: [String]) throws(CacheError) -> Int {
        var count = 0
        try guarding { () throws(FileFault) in
            try pinFile.change { pins in
                let rest = pins.subtracting(prefixes.map(Self.normalized))
                count = pins.count - rest.count
                pins = rest
            }
        }
        return count
    }
}

extension CacheInspector {
    /// A prefix as a line of the file, without slashes at its end.
    private static func normalized(_ prefix: String) -> String {
        var text = prefix.replacing("\n", with: "")
        while text.hasSuffix("/") { text.removeLast() }
        return text
    }

    private func guarding(_ body: () throws(FileFault) -> Void) throws(CacheError) {
        do throws(FileFault) {
            try body()
        } catch {
            throw .unusable(path: root.path, cause: error)
        }
    }

    /// Runs `body` with a function that removes and counts one block, then announces the removals to the owner.
    private func removing(
        _ body: (_ remove: (BlockDigest, Int) throws(FileFault) -> Void) throws(FileFault) -> Void
    ) throws(CacheError) -> Removal {
        var removal = Removal()
        defer { if removal.blocks > 0 { announceRemovals() } }
        try guarding { () throws(FileFault) in
            try body { digest, size throws(FileFault) in
                guard try files.remove(digest) else { return }
                removal.blocks += 1
                removal.bytes += size
            }
        }
        return removal
    }

    /// Best effort: without it the owner notices each removal when it next reads or evicts the block.
    private func announceRemovals() {
        guard
            let file = try? root.handle().open(CacheMaintenance.removalsName, O_WRONLY | O_CREAT | O_TRUNC)
        else { return }
        _ = try? file.write(Array("\(getpid()) \(Instant.now.nanoseconds)\n".utf8))
    }

    /// Visits every block (with its digest) and every leftover of a writer (without).
    private func forEachName(_ body: (BlockDigest?, _ name: String) throws(FileFault) -> Void) throws(FileFault) {
        for subdirectory in try files.subdirectories() {
            let parent = BlockFiles.folder(subdirectory)
            for name in try root.names(in: parent).sorted() {
                let digest = BlockFiles.digest(subdirectory: subdirectory, name: name)
                if digest != nil || name.hasPrefix(BlockFiles.temporaryPrefix) { try body(digest, "\(parent)/\(name)") }
            }
        }
    }

    /// Visits every block with its header, nil for a damaged one.
    private func forEachBlock(
        _ body: (BlockDigest, BlockHeader?, FileStatus) throws(FileFault) -> Void
    ) throws(FileFault) {
        try forEachName { digest, _ throws(FileFault) in
            guard let digest else { return }
            let found = try present { () throws(FileFault) -> (BlockHeader?, FileStatus) in
                if let good = try files.header(digest) { return (good.header, good.status) }
                return (nil, try files.status(digest))
            }
            if let (header, status) = found { try body(digest, header, status) }
        }
    }

    /// The result of `look` at a file; nil when the file is gone, because the owner may evict it at any moment.
    private func present<Found>(_ look: () throws(FileFault) -> Found) throws(FileFault) -> Found? {
        do throws(FileFault) {
            return try look()
        } catch {
            if error.isMissing { return nil }
            throw error
        }
    }
}
