import Glibc
import Logging
import Support

/// Brings the index in line with the files: adds blocks it does not know, drops those that are gone, removes the
/// leftovers of writers that died, and trims to the limit.
struct CacheScanner {
    let state: CacheState

    /// Scans all; ends early when the cache is closed.
    func scan() {
        state.guarded.withLock { guarded in
            guarded.isScanning = true
            guarded.index.generation &+= 1
        }
        let started = Instant.now
        let isComplete = scanAll()
        state.guarded.update { guarded in
            if isComplete {
                for digest in guarded.index.unseen() { guarded.index.remove(digest) }
            }
            guarded.isScanning = false
            guarded.removedDuringScan = []
        }
        trim()
        let found = state.statistics
        state.logger.debug(
            "cache scanned",
            metadata: [
                "blocks": "\(found.blocks)", "bytes": "\(found.bytes)",
                "seconds": "\(Instant.now.seconds(since: started))",
            ])
    }

    /// Returns whether every directory could be listed.
    private func scanAll() -> Bool {
        var isComplete = true
        do throws(Errno) {
            for subdirectory in try state.files.subdirectories() {
                if state.guarded.withLock({ $0.isClosed }) { return false }
                do throws(Errno) {
                    try scan(subdirectory)
                } catch {
                    isComplete = false
                    state.noteReadFailure(error, "\(state.files.blocksDirectory)/\(subdirectory)")
                }
            }
        } catch {
            isComplete = false
            state.noteReadFailure(error, state.files.blocksDirectory)
        }
        return isComplete
    }

    private func scan(_ subdirectory: String) throws(Errno) {
        for name in try Disk.names(in: "\(state.files.blocksDirectory)/\(subdirectory)") {
            if let digest = BlockFiles.digest(subdirectory: subdirectory, name: name) {
                if !state.guarded.withLock({ $0.index.noteSeen(digest) }) { examine(digest) }
            } else if name.hasPrefix(BlockFiles.temporaryPrefix), !name.hasPrefix(state.files.writerName), state.isOwner
            {
                // Only the owner writes, and it is us: the writer is dead.
                try Disk.remove("\(state.files.blocksDirectory)/\(subdirectory)/\(name)")
            }
        }
    }

    private func examine(_ digest: BlockDigest) {
        do throws(Errno) {
            guard let (header, status) = try state.files.header(digest) else {
                state.discardCorrupt(digest, of: nil)
                return
            }
            let now = state.system.now()
            let id = header.key.object.id
            let isRemoved = state.guarded.withLock { guarded in
                // Written since the directory was listed: then the index knows better.
                if guarded.index.noteSeen(digest) { return false }
                if guarded.removedDuringScan.contains(id) { return guarded.lock != nil }
                guarded.index.insert(
                    digest, objectID: id, length: status.size, fetchCost: header.fetchCost,
                    lastUse: min(status.modified, now), isRead: false)
                return false
            }
            if isRemoved { state.removeFiles([digest]) }
        } catch {
            // Removed since the directory was listed.
            if error.rawValue != ENOENT { state.noteReadFailure(error, state.files.path(digest)) }
        }
    }

    /// Evicts what is above the limit, as after a start with a smaller one.
    private func trim() {
        guard state.isOwner else { return }
        while true {
            let now = state.system.now()
            let victims = state.guarded.withLock { guarded in
                guarded.index.bytes + guarded.index.reserved > state.limits.maximumBytes && !guarded.isClosed
                    ? guarded.index.takeVictims(1, now: now) ?? [] : []
            }
            guard !victims.isEmpty else { return }
            state.evicted.add(victims.count)
            state.removeFiles(victims)
        }
    }
}
