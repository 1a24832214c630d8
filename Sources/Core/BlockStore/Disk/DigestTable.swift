/// Finds the slot of a digest: open addressing with linear probing (Knuth, The Art of Computer Programming 6.4, algorithms
/// L and R). It holds only slot numbers, 4 bytes a place, because the slots have the digests.
struct DigestTable {
    /// Slot numbers plus one; 0 is an empty place. A power of two, of which at most three quarters are taken.
    private var places: [UInt32] = []
    private(set) var count = 0

    /// The slot with `digest`.
    func slot(of digest: BlockDigest, in slots: [BlockSlot]) -> Int? {
        guard !places.isEmpty else { return nil }
        var place = home(of: digest)
        while places[place] != 0 {
            let slot = Int(places[place]) - 1
            if slots[slot].digest == digest { return slot }
            place = next(place)
        }
        return nil
    }

    /// Adds `slot`, whose digest the table does not have.
    mutating func insert(_ slot: Int, in slots: [BlockSlot]) {
        if (count + 1) * 4 > places.count * 3 { grow(slots) }
        settle(slot, slots)
        count += 1
    }

    /// Takes out `slot`, which the table has.
    mutating func remove(_ slot: Int, in slots: [BlockSlot]) {
        var hole = home(of: slots[slot].digest)
        while places[hole] != UInt32(slot + 1) { hole = next(hole) }
        places[hole] = 0
        count -= 1
        // A slot further on in the run would no longer be found from its home behind the hole, so it moves up.
        var place = next(hole)
        while places[place] != 0 {
            let home = home(of: slots[Int(places[place]) - 1].digest)
            if distance(from: home, to: place) >= distance(from: hole, to: place) {
                places.swapAt(hole, place)
                hole = place
            }
            place = next(place)
        }
    }

    /// A digest is a hash, so its low bits are spread evenly.
    private func home(of digest: BlockDigest) -> Int { Int(truncatingIfNeeded: digest.second) & (places.count - 1) }

    private func next(_ place: Int) -> Int { (place + 1) & (places.count - 1) }

    private func distance(from start: Int, to end: Int) -> Int { (end - start) & (places.count - 1) }

    private mutating func settle(_ slot: Int, _ slots: [BlockSlot]) {
        var place = home(of: slots[slot].digest)
        while places[place] != 0 { place = next(place) }
        places[place] = UInt32(slot + 1)
    }

    private mutating func grow(_ slots: [BlockSlot]) {
        let old = places
        places = [UInt32](repeating: 0, count: max(16, old.count * 2))
        for entry in old where entry != 0 { settle(Int(entry) - 1, slots) }
    }
}
