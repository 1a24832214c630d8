import Glibc
import Logging
import Support

/// Brings the index in line with the files: adds blocks it does not know, drops those that are gone, removes the
/// leftovers of writers that died, and trims to the limit.
struct CacheScanner {
    let state: CacheState

    /// How far a scan is. Digests are spread evenly over the subdirectories, so that the part that has been met tells what
    /// the rest will be.
    private struct Progress {
        var subdirectories = 0
        var scanned = 0
        /// The part of the present subdirectory that has been met.
        var part = 0.0
        /// Bytes on disk of the blocks met that the index did not know.
        var newBytes = 0

        /// What the blocks not known that are yet to be met may take, in bytes.
        var rest: Int {
            let met = Double(scanned) + part
            guard met > 0 else { return 0 }
            return Int(Double(newBytes) * (Double(subdirectories) - met) / met)
        }
    }

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
            guarded.index.unscanned = 0
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
        var progress = Progress()
        do throws(FileFault) {
            let subdirectories = try state.files.subdirectories()
            progress.subdirectories = subdirectories.count
            for subdirectory in subdirectories {
                do throws(FileFault) {
                    guard try scan(subdirectory, &progress) else { return false }
                } catch {
                    isComplete = false
                    state.noteReadFailure(error, "\(state.root.path)/\(BlockFiles.folder(subdirectory))")
                }
                progress.scanned += 1
                progress.part = 0
            }
        } catch {
            isComplete = false
            state.noteReadFailure(error, "\(state.root.path)/\(BlockFiles.blocksName)")
        }
        return isComplete
    }

    /// Returns whether it came to the end: the cache may be closed meanwhile.
    private func scan(_ subdirectory: String, _ progress: inout Progress) throws(FileFault) -> Bool {
        let folder = BlockFiles.folder(subdirectory)
        let names = try state.root.names(in: folder)
        for (number, name) in names.enumerated() {
            let digest = BlockFiles.digest(subdirectory: subdirectory, name: name)
            let rest = progress.rest
            let (isClosed, isKnown) = state.guarded.withLock { guarded in
                guarded.index.unscanned = rest
                return (guarded.isClosed, digest.map { guarded.index.noteSeen($0) } ?? false)
            }
            if isClosed { return false }
            if let digest {
                if !isKnown { progress.newBytes += examine(digest) }
            } else if name.hasPrefix(BlockFiles.temporaryPrefix), !name.hasPrefix(state.files.writerName), state.isOwner
            {
                // Only the owner writes, and it is us: the writer is dead.
                try state.root.handle().remove("\(folder)/\(name)")
            }
            progress.part = Double(number + 1) / Double(names.count)
        }
        return true
    }

    /// Takes up a block that the index does not know. Returns its bytes on disk, 0 when it is none.
    private func examine(_ digest: BlockDigest) -> Int {
        do throws(FileFault) {
            guard let (header, status) = try state.files.header(digest) else {
                state.discardCorrupt(digest, stamp: nil, of: nil)
                return 0
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
            if isRemoved {
                state.removeFiles([digest])
                return 0
            }
            return Disk.roundedToPages(status.size)
        } catch {
            // Removed since the directory was listed.
            if !error.isMissing { state.noteReadFailure(error, state.files.path(digest)) }
            return 0
        }
    }

    /// Evicts what is above the limit, as after a start with a smaller one.
    private func trim() {
        guard state.isOwner else { return }
        while true {
            let now = state.system.now()
            let isDone = state.room.withLock { _ in
                let victims = state.guarded.withLock { guarded in
                    guarded.index.bytes + guarded.index.reserved > state.limits.maximumBytes && !guarded.isClosed
                        ? guarded.index.takeVictims(1, now: now) ?? [] : []
                }
                state.evict(victims)
                return victims.isEmpty
            }
            if isDone { return }
        }
    }
}
