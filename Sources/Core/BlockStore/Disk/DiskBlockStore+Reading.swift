package import Support

extension DiskBlockStore {
    /// The block, if the kernel has the file's name and pages in memory (openat2 with RESOLVE_CACHED, preadv2 with
    /// RWF_NOWAIT). ``ReadNow/absent`` comes from the index, once a scan has met every file.
    package func readNow(_ key: BlockKey, _ slice: BlockSlice?) -> ReadNow {
        let digest = BlockDigest(key)
        let (isAbsent, canReadNow) = state.guarded.withLock { guarded in
            (guarded.isClosed || guarded.knowsAllBlocks && !guarded.index.contains(digest), guarded.canReadNow)
        }
        if isAbsent {
            state.misses.add()
            return .absent
        }
        guard canReadNow else { return .mustWait }
        switch state.files.readCached(digest, expected: key, slice) {
        case .block(let header, let bytes, let fileLength):
            noteHit(digest, header, fileLength)
            return .block(bytes)
        case .failed(let error) where error.isUnsupported:
            state.guarded.withLock { $0.canReadNow = false }
            return .mustWait
        case .missing, .other, .corrupt, .failed:
            return .mustWait
        }
    }

    package func read(_ key: BlockKey, token: CancellationToken) -> Promise<[UInt8]?, Never> {
        Promise(.success(read(key)))
    }

    private func read(_ key: BlockKey) -> [UInt8]? {
        let digest = BlockDigest(key)
        let (isClosed, stamp) = state.guarded.withLock { ($0.isClosed, $0.index.stamp(of: digest)) }
        guard !isClosed else { return nil }
        switch state.files.read(digest, expected: key) {
        case .block(let header, let bytes, let fileLength):
            noteHit(digest, header, fileLength)
            return bytes
        case .missing:
            // In the index, yet gone: a tool removed it. A block written since the look above stays.
            state.guarded.withLock { guarded in
                if let stamp, guarded.index.stamp(of: digest) == stamp { guarded.index.remove(digest) }
            }
        case .other:
            break
        case .corrupt:
            state.discardCorrupt(digest, stamp: stamp, of: key.object.id)
        case .failed(let error):
            state.noteReadFailure(error, state.files.path(digest))
        }
        state.misses.add()
        return nil
    }

    private func noteHit(_ digest: BlockDigest, _ header: BlockHeader, _ fileLength: Int) {
        state.hits.add()
        let now = state.system.now()
        state.guarded.withLock { guarded in
            var isDue = true
            if let known = guarded.index.noteRead(digest, now: now) {
                isDue = known
            } else {
                guarded.index.insert(
                    digest, objectID: header.key.object.id, length: fileLength, fetchCost: header.fetchCost,
                    lastUse: now, isRead: true)
            }
            if isDue { guarded.noteUseToStore(digest, now) }
        }
    }

    /// Whether a block seems to be in the store. Reads memory once the first scan has ended, a directory entry before.
    package func contains(_ key: BlockKey) -> Bool {
        let digest = BlockDigest(key)
        let known = state.guarded.withLock { guarded -> Bool? in
            if guarded.isClosed { return false }
            return guarded.index.contains(digest) ? true : guarded.isScanning ? nil : false
        }
        return known ?? ((try? state.files.status(digest)) != nil)
    }

    /// Whether the file of a block is in the directory at this moment. Counts as a use in the order of eviction, because the
    /// caller will need the block.
    package func isKept(_ key: BlockKey) -> Bool {
        let digest = BlockDigest(key)
        do throws(FileFault) {
            try state.files.look(digest)
        } catch {
            // A file that cannot be opened cannot be served either.
            return false
        }
        let now = state.system.now()
        state.guarded.withLock { guarded in
            if guarded.index.noteNeed(digest, now: now) == true { guarded.noteUseToStore(digest, now) }
        }
        return true
    }
}
