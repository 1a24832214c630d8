import Support

/// One block in memory: 48 bytes, because there may be millions.
struct BlockSlot {
    var digest: BlockDigest
    /// Seconds since 1970 of the last read or write.
    var lastUse: Double
    /// Seconds since 1970 of the time that stands on the file.
    var persistedUse: UInt32
    /// Bytes on disk, rounded up to pages.
    var size: UInt32
    var credit: Float
    var object: UInt32
    /// The place in the eviction heap, or one of the two constants below.
    var heapPosition: Int32
    /// The scan in which the file was last known to exist, by its last 8 bits.
    var generation: UInt8
    /// Differs from the stamp of an earlier block of the same key: the last 8 bits of a count.
    var stamp: UInt8
    var reads: UInt8
    /// Whether the block was read, which protects it for a moment. A block just written has no reader yet.
    var wasRead: Bool

    /// The ``heapPosition`` of a block that is pinned.
    static let pinned: Int32 = -1
    /// The ``heapPosition`` of a slot without a block.
    static let unused: Int32 = -2

    var isUsed: Bool { heapPosition != Self.unused }

    /// The block of the lowest score is evicted first.
    var score: Double { BlockWorth.score(lastUse: lastUse, credit: credit, reads: reads) }
}

/// The answer to a request for room to store a block.
enum Reservation {
    /// There is room once the files of these blocks, already forgotten by the index, are removed.
    case room([BlockDigest])
    /// All other blocks are pinned or in use, or the block is larger than the cache may be.
    case cacheFull
    /// The file system has too little free, and evicting every block that may be evicted would not help.
    case diskFull
}

/// All blocks known, their order of eviction and their sizes. A value, which ``CacheState`` guards with a lock.
struct BlockIndex {
    /// A read younger than this protects a block from eviction, in seconds.
    static let inUseSeconds = 1.0
    /// How old the time on a block's file may grow before a read renews it, in seconds.
    static let persistEverySeconds = 600.0
    /// How many protected blocks the search for victims passes over before a write is refused.
    static let mostPassedOver = 256

    private(set) var slots: [BlockSlot] = []
    private var free: [UInt32] = []
    private var byDigest = DigestTable()
    private var heap = EvictionHeap()
    private(set) var objects = ObjectTable()
    /// Whether the list of pins has ever been read. Until then nothing is evicted: any block could be pinned.
    private(set) var knowsPins = false

    private(set) var bytes = 0
    private(set) var pinnedBytes = 0
    private(set) var pinnedBlocks = 0
    /// Bytes promised to writes under way.
    private(set) var reserved = 0
    /// Bytes that the blocks that a running scan has not met yet may take, estimated from those it has met.
    var unscanned = 0
    /// The number of the running or last scan.
    var generation: UInt8 = 0
    private var lastStamp: UInt8 = 0

    var count: Int { byDigest.count }

    func contains(_ digest: BlockDigest) -> Bool { number(of: digest) != nil }

    private func number(of digest: BlockDigest) -> Int? { byDigest.slot(of: digest, in: slots) }

    /// The stamp of a block, by which a caller sees whether the block was replaced meanwhile. Nil for an unknown block.
    func stamp(of digest: BlockDigest) -> UInt8? { number(of: digest).map { slots[$0].stamp } }

    /// Adds a block, in place of one of the same digest.
    mutating func insert(
        _ digest: BlockDigest, objectID: String, length: Int, fetchCost: Double, lastUse: Double, isRead: Bool
    ) {
        remove(digest)
        lastStamp &+= 1
        let object = objects.retain(objectID)
        let credit = BlockWorth.credit(seconds: fetchCost, bytes: length)
        let slot = BlockSlot(
            digest: digest, lastUse: lastUse, persistedUse: UInt32(clamping: Int(lastUse)),
            size: UInt32(clamping: DiskSpace.roundedToPages(length)), credit: credit, object: object,
            heapPosition: BlockSlot.pinned, generation: generation, stamp: lastStamp, reads: 0, wasRead: isRead)
        let number: Int
        if let reused = free.popLast() {
            number = Int(reused)
            slots[number] = slot
        } else {
            number = slots.count
            slots.append(slot)
        }
        byDigest.insert(number, in: slots)
        bytes += Int(slot.size)
        place(number, pinned: objects.isPinned(object))
    }

    /// Forgets a block. Returns whether it was known.
    @discardableResult
    mutating func remove(_ digest: BlockDigest) -> Bool {
        guard let number = number(of: digest) else { return false }
        byDigest.remove(number, in: slots)
        heap.remove(number, in: &slots)
        let slot = slots[number]
        bytes -= Int(slot.size)
        if objects.isPinned(slot.object) {
            pinnedBytes -= Int(slot.size)
            pinnedBlocks -= 1
        }
        objects.release(slot.object)
        slots[number].heapPosition = BlockSlot.unused
        free.append(UInt32(number))
        return true
    }

    /// Notes a read at `now`. Answers whether the time on the file is due to be set, nil for an unknown block.
    mutating func noteRead(_ digest: BlockDigest, now: Double) -> Bool? {
        guard let number = number(of: digest) else { return nil }
        slots[number].wasRead = true
        slots[number].generation = generation
        // Within one second the order of blocks does not matter, and the heap stays as it is.
        guard abs(now - slots[number].lastUse) >= 1 || slots[number].reads == 0 else { return false }
        if slots[number].reads < .max { slots[number].reads += 1 }
        return noteUse(number, now)
    }

    /// Notes at `now` that a block will be needed. Answers as ``noteRead(_:now:)`` does.
    mutating func noteNeed(_ digest: BlockDigest, now: Double) -> Bool? {
        guard let number = number(of: digest) else { return nil }
        slots[number].generation = generation
        guard abs(now - slots[number].lastUse) >= 1 else { return false }
        return noteUse(number, now)
    }

    private mutating func noteUse(_ number: Int, _ now: Double) -> Bool {
        // Also when `now` is earlier: the clock was ahead, and the block would count as the newest for ever.
        slots[number].lastUse = now
        heap.update(number, in: &slots)
        let persisted = Double(slots[number].persistedUse)
        guard !isFresh(checkedAt: persisted, for: Self.persistEverySeconds, now: now) else { return false }
        slots[number].persistedUse = UInt32(clamping: Int(now))
        return true
    }

    /// Marks a block seen by the running scan. Returns whether it was known.
    mutating func noteSeen(_ digest: BlockDigest) -> Bool {
        guard let number = number(of: digest) else { return false }
        slots[number].generation = generation
        return true
    }

    /// The blocks that the scan that has just ended did not meet.
    func unseen() -> [BlockDigest] {
        slots.filter { $0.isUsed && $0.generation != generation }.map(\.digest)
    }

    /// Bytes on disk of the blocks whose object id is `id` or continues it after a slash.
    func bytes(ofObject id: String) -> Int {
        let numbers = Set(objects.numbers(under: id))
        return slots.reduce(0) { $0 + ($1.isUsed && numbers.contains($1.object) ? Int($1.size) : 0) }
    }

    /// Makes room for a block of `length` bytes. With it at most `limits.maximumBytes` are used, and `limits.minimumFreeBytes`
    /// of the `free` bytes of the file system stay free. The caller removes the victims' files before it writes.
    ///
    /// - Parameter pending: the bytes ``reserved`` when `free` was looked up. `free` may or may not count them.
    mutating func reserve(
        length: Int, limits: CacheLimits, free: Int?, pending: Int, now: Double
    ) -> Reservation {
        let size = DiskSpace.roundedToPages(length)
        var excess = bytes + unscanned + reserved + size - limits.maximumBytes
        // An estimate may be wrong, so it evicts no more than is added.
        if unscanned > 0 { excess = min(excess, size) }
        let shortage = free.map { limits.minimumFreeBytes + pending + size - $0 } ?? 0
        guard knowsPins || max(excess, shortage) <= 0 else { return .cacheFull }
        guard size <= limits.maximumBytes, let victims = takeVictims(max(excess, shortage), now: now) else {
            return shortage > max(excess, 0) ? .diskFull : .cacheFull
        }
        reserved += size
        return .room(victims)
    }

    /// Ends a reservation made for `length` bytes.
    mutating func release(length: Int) { reserved -= DiskSpace.roundedToPages(length) }

    /// Takes out blocks of at least `wanted` bytes in sum. Nil, with none taken out, when there are not enough.
    mutating func takeVictims(_ wanted: Int, now: Double) -> [BlockDigest]? {
        guard wanted > 0 else { return [] }
        guard knowsPins else { return nil }
        var victims: [Int] = []
        var passedOver: [Int] = []
        var found = 0
        while found < wanted, passedOver.count < Self.mostPassedOver, let number = heap.top {
            heap.remove(number, in: &slots)
            if slots[number].wasRead, abs(now - slots[number].lastUse) < Self.inUseSeconds {
                passedOver.append(number)
            } else {
                victims.append(number)
                found += Int(slots[number].size)
            }
        }
        for number in passedOver { heap.insert(number, in: &slots) }
        guard found >= wanted else {
            for number in victims { heap.insert(number, in: &slots) }
            return nil
        }
        let digests = victims.map { slots[$0].digest }
        for digest in digests { remove(digest) }
        return digests
    }

    /// Applies a changed list of pins.
    mutating func setPins(_ pins: Pins) {
        knowsPins = true
        let changed = objects.setPins(pins)
        guard !changed.isEmpty else { return }
        for number in slots.indices where slots[number].isUsed && changed.contains(slots[number].object) {
            if objects.isPinned(slots[number].object) {
                heap.remove(number, in: &slots)
            } else {
                pinnedBytes -= Int(slots[number].size)
                pinnedBlocks -= 1
            }
            place(number, pinned: objects.isPinned(slots[number].object))
        }
    }

    private mutating func place(_ number: Int, pinned: Bool) {
        if pinned {
            pinnedBytes += Int(slots[number].size)
            pinnedBlocks += 1
        } else {
            heap.insert(number, in: &slots)
        }
    }
}
