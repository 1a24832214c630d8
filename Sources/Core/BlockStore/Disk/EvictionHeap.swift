/// A binary heap of slot numbers, with the next block to evict at the top. Every slot has its place in the heap, so a block
/// that is read or pinned moves in O(log n).
struct EvictionHeap {
    private var order: [UInt32] = []

    /// The slot with the lowest score.
    var top: Int? { order.first.map(Int.init) }

    mutating func insert(_ slot: Int, in slots: inout [BlockSlot]) {
        order.append(UInt32(slot))
        slots[slot].heapPosition = Int32(order.count - 1)
        rise(order.count - 1, &slots)
    }

    /// Takes `slot` out; does nothing when it is not in the heap.
    mutating func remove(_ slot: Int, in slots: inout [BlockSlot]) {
        let position = Int(slots[slot].heapPosition)
        guard position >= 0 else { return }
        slots[slot].heapPosition = BlockSlot.pinned
        let last = order.removeLast()
        guard position < order.count else { return }
        order[position] = last
        slots[Int(last)].heapPosition = Int32(position)
        restore(position, &slots)
    }

    /// Moves `slot` to where its changed score belongs.
    mutating func update(_ slot: Int, in slots: inout [BlockSlot]) {
        let position = Int(slots[slot].heapPosition)
        if position >= 0 { restore(position, &slots) }
    }

    private mutating func restore(_ position: Int, _ slots: inout [BlockSlot]) {
        rise(position, &slots)
        sink(position, &slots)
    }

    private mutating func rise(_ start: Int, _ slots: inout [BlockSlot]) {
        var position = start
        while position > 0 {
            let parent = (position - 1) / 2
            guard isLower(position, parent, slots) else { return }
            exchange(position, parent, &slots)
            position = parent
        }
    }

    private mutating func sink(_ start: Int, _ slots: inout [BlockSlot]) {
        var position = start
        while true {
            var lowest = position
            for child in (2 * position + 1)...(2 * position + 2) where child < order.count {
                if isLower(child, lowest, slots) { lowest = child }
            }
            guard lowest != position else { return }
            exchange(position, lowest, &slots)
            position = lowest
        }
    }

    private func isLower(_ left: Int, _ right: Int, _ slots: [BlockSlot]) -> Bool {
        slots[Int(order[left])].score < slots[Int(order[right])].score
    }

    private mutating func exchange(_ left: Int, _ right: Int, _ slots: inout [BlockSlot]) {
        order.swapAt(left, right)
        slots[Int(order[left])].heapPosition = Int32(left)
        slots[Int(order[right])].heapPosition = Int32(right)
    }
}
