import Glibc
import Logging
import Support

/// Makes the index agree with the files: adds unknown blocks and drops missing ones. Also removes the leftovers of dead
/// writers and evicts down to the limit.
struct CacheScanner {
    let state: CacheState

    /// How far a scan is. Digests are spread evenly over the subdirectories, so the part that has been met is a measure of
    /// the rest.
    private struct Progress {
        var subdirectories = 0
        var scanned = 0
        /// The part of the present subdirectory that has been met.
        var part = 0.0
        /// Bytes on disk of the blocks met that the index did not know.
        var newBytes = 0

        /// Bytes that unknown blocks in the rest may take.
        var rest: Int {
            let met = Double(scanned) + part
            guard met > 0 else { return 0 }
            return Int(Double(newBytes) * (Double(subdirectories) - met) / met)
        }
    }

    /// Scans all subdirectories. Ends early when the store is closed.
    func scan() {
        state.guarded.withLock { guarded in
            guarded.isScanning = true
            guarded.isScanComplete = false
            guarded.index.generation &+= 1
        }
        let started = Instant.now
        let isComplete = scanAll()
        state.guarded.update { guarded in
            if isComplete {
                for digest in guarded.index.unseen() { guarded.index.remove(digest) }
            }
            guarded.isScanning = false
            guarded.isScanComplete = isComplete
            guarded.index.unscanned = 0
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
                // A scan may take minutes; readers note uses meanwhile.
                state.storeUses()
                progress.scanned += 1
                progress.part = 0
            }
        } catch {
            isComplete = false
            state.noteReadFailure(error, "\(state.root.path)/\(BlockFiles.blocksName)")
        }
        return isComplete
    }

    /// Returns whether it came to the end. It stops when the store is closed.
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
                // Only the owner writes, and this process is the owner: the writer is dead.
                try state.root.handle().remove("\(folder)/\(name)")
            }
            progress.part = Double(number + 1) / Double(names.count)
        }
        return true
    }

    /// Adds a block that the index does not know. Returns its bytes on disk, 0 when the file is no block.
    private func examine(_ digest: BlockDigest) -> Int {
        do throws(FileFault) {
            guard let (header, status) = try state.files.header(digest) else {
                state.discardCorrupt(digest, stamp: nil, of: nil)
                return 0
            }
            let now = state.system.now()
            state.guarded.withLock { guarded in
                // Written or read since the directory was listed: then the index is newer than the file's status.
                if guarded.index.noteSeen(digest) { return }
                guarded.index.insert(
                    digest, objectID: header.key.object.id, length: status.size, fetchCost: header.fetchCost,
                    lastUse: min(status.modified, now), isRead: false)
            }
            return DiskSpace.roundedToPages(status.size)
        } catch {
            // Removed since the directory was listed.
            if !error.isMissing { state.noteReadFailure(error, state.files.path(digest)) }
            return 0
        }
    }

    /// Evicts down to the limit, which may be smaller than at the last start.
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
