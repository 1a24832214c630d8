/// What is remembered of one block, 64 bytes.
struct BlockSlot {
    var digest: BlockDigest
    /// Seconds since 1970 of the last read or write.
    var lastUse: Double
    var score: Double
    /// Seconds since 1970 of the time that stands on the file.
    var persistedUse: UInt32
    /// Bytes on disk, rounded up to pages.
    var size: UInt32
    var credit: Float
    var object: UInt32
    /// The place in the eviction heap, -1 for a pinned block or a free slot.
    var heapPosition: Int32
    /// The scan in which the file was last known to exist.
    var generation: UInt32
    /// Tells this block from an earlier one of the same key.
    var stamp: UInt32
    var reads: UInt8
    var isUsed: Bool
    /// Whether a reader had it, which protects it for a moment. A block just written has no reader yet.
    var wasRead: Bool
}

/// The answer to a wish to store a block.
enum Reservation {
    /// There is room once the files of these blocks, already forgotten by the index, are removed.
    case room([BlockDigest])
    /// All other blocks are pinned or in use, or the block is larger than the cache may be.
    case cacheFull
    /// The file system has too little free, and removing all that may go would not mend it.
    case diskFull
}

/// All blocks known, their order of eviction and their sizes. A value: BlockCache guards it with a lock.
struct BlockIndex {
    /// A read younger than this protects a block from eviction, in seconds.
    static let inUseSeconds = 1.0
    /// How old the time on a block's file may grow before a read renews it, in seconds.
    static let persistEverySeconds = 600.0
    /// How many protected blocks are passed over in search of a victim before a write is refused.
    static let mostPassedOver = 256

    private(set) var slots: [BlockSlot] = []
    private var free: [UInt32] = []
    private var byDigest: [BlockDigest: UInt32] = [:]
    private var heap = EvictionHeap()
    private(set) var objects = ObjectTable()

    private(set) var bytes = 0
    private(set) var pinnedBytes = 0
    private(set) var pinnedBlocks = 0
    /// Bytes promised to writes under way.
    private(set) var reserved = 0
    /// The number of the running or last scan.
    var generation: UInt32 = 0
    private var lastStamp: UInt32 = 0

    var count: Int { byDigest.count }

    func contains(_ digest: BlockDigest) -> Bool { byDigest[digest] != nil }

    /// Tells whether a block was replaced meanwhile; nil for one that is not known.
    func stamp(of digest: BlockDigest) -> UInt32? { byDigest[digest].map { slots[Int($0)].stamp } }

    /// Adds a block or brings it up to date.
    mutating func insert(
        _ digest: BlockDigest, objectID: String, length: Int, fetchCost: Double, lastUse: Double, isRead: Bool
    ) {
        remove(digest)
        lastStamp &+= 1
        let object = objects.retain(objectID)
        let credit = BlockWorth.credit(seconds: fetchCost, bytes: length)
        let slot = BlockSlot(
            digest: digest, lastUse: lastUse, score: BlockWorth.score(lastUse: lastUse, credit: credit, reads: 0),
            persistedUse: UInt32(clamping: Int(lastUse)), size: UInt32(clamping: Disk.roundedToPages(length)),
            credit: credit, object: object, heapPosition: -1, generation: generation, stamp: lastStamp, reads: 0,
            isUsed: true, wasRead: isRead)
        let number: Int
        if let reused = free.popLast() {
            number = Int(reused)
            slots[number] = slot
        } else {
            number = slots.count
            slots.append(slot)
        }
        byDigest[digest] = UInt32(number)
        bytes += Int(slot.size)
        place(number, pinned: objects.isPinned(object))
    }

    /// Forgets a block. Returns whether it was known.
    @discardableResult
    mutating func remove(_ digest: BlockDigest) -> Bool {
        guard let number = byDigest.removeValue(forKey: digest).map(Int.init) else { return false }
        heap.remove(number, in: &slots)
        let slot = slots[number]
        bytes -= Int(slot.size)
        if objects.isPinned(slot.object) {
            pinnedBytes -= Int(slot.size)
            pinnedBlocks -= 1
        }
        objects.release(slot.object)
        slots[number].isUsed = false
        free.append(UInt32(number))
        return true
    }

    /// Notes a read at `now`. Answers whether the time on the file should be renewed, nil for a block not known.
    mutating func noteRead(_ digest: BlockDigest, now: Double) -> Bool? {
        guard let number = byDigest[digest].map(Int.init) else { return nil }
        slots[number].wasRead = true
        slots[number].generation = generation
        // Within one second the order of blocks does not matter, and the heap is left alone.
        guard now - slots[number].lastUse >= 1 || slots[number].reads == 0 else { return false }
        slots[number].lastUse = max(now, slots[number].lastUse)
        if slots[number].reads < .max { slots[number].reads += 1 }
        slots[number].score = BlockWorth.score(
            lastUse: slots[number].lastUse, credit: slots[number].credit, reads: slots[number].reads)
        heap.update(number, in: &slots)
        guard now - Double(slots[number].persistedUse) >= Self.persistEverySeconds else { return false }
        slots[number].persistedUse = UInt32(clamping: Int(now))
        return true
    }

    /// Marks a block seen by the running scan. Returns whether it was known.
    mutating func noteSeen(_ digest: BlockDigest) -> Bool {
        guard let number = byDigest[digest].map(Int.init) else { return false }
        slots[number].generation = generation
        return true
    }

    /// The blocks that the scan that has just ended did not meet.
    func unseen() -> [BlockDigest] {
        slots.filter { $0.isUsed && $0.generation != generation }.map(\.digest)
    }

    /// The blocks of the object `id`, in all versions.
    func blocks(ofObject id: String) -> [BlockDigest] {
        guard let object = objects.number(of: id) else { return [] }
        return slots.filter { $0.isUsed && $0.object == object }.map(\.digest)
    }

    /// Bytes on disk of the blocks whose object id is `id` or continues it after a slash.
    func bytes(ofObject id: String) -> Int {
        let numbers = Set(objects.numbers(under: id))
        return slots.reduce(0) { $0 + ($1.isUsed && numbers.contains($1.object) ? Int($1.size) : 0) }
    }

    /// Makes room for a block of `length` bytes, so that with it at most `limits.maximumBytes` are used and, of the `free`
    /// bytes of the file system, the limit stays free. The caller removes the victims' files before it writes.
    mutating func reserve(length: Int, limits: CacheLimits, free: Int?, now: Double) -> Reservation {
        let size = Disk.roundedToPages(length)
        let excess = bytes + reserved + size - limits.maximumBytes
        let shortage = free.map { limits.minimumFreeBytes + reserved + size - $0 } ?? 0
        guard size <= limits.maximumBytes, let victims = takeVictims(max(excess, shortage), now: now) else {
            return shortage > max(excess, 0) ? .diskFull : .cacheFull
        }
        reserved += size
        return .room(victims)
    }

    /// Ends a reservation made for `length` bytes.
    mutating func release(length: Int) { reserved -= Disk.roundedToPages(length) }

    /// Takes out blocks of together at least `wanted` bytes; nil, with none taken out, when there are not enough.
    mutating func takeVictims(_ wanted: Int, now: Double) -> [BlockDigest]? {
        guard wanted > 0 else { return [] }
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
