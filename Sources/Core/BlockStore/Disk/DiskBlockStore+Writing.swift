import Logging
package import Support

extension DiskBlockStore {
    /// Stores a block, and removes others when there is no room. When the file system refuses, that is logged once, no blocks
    /// are stored for a while, and storing resumes by itself.
    @discardableResult
    package func write(_ key: BlockKey, _ bytes: [UInt8], fetchCost: Double) -> Promise<Void, Never> {
        store(key, bytes, fetchCost)
        return Promise(.success(()))
    }

    private func store(_ key: BlockKey, _ bytes: [UInt8], _ fetchCost: Double) {
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
        // Here, so that the next eviction honours a pin made a moment ago.
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
}
