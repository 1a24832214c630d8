/// Remembers which blocks were fetched ahead of any reader, to tell whether they were of use.
struct PrefetchLedger {
    /// How many blocks are remembered; the oldest then counts as wasted.
    static let capacity = 4096

    private var unused: [FlightKey: Int] = [:]
    private var order: [(key: FlightKey, number: Int)] = []
    private var head = 0
    private var lastNumber = 0

    private(set) var fetched = 0
    private(set) var used = 0
    private(set) var wasted = 0

    /// A block was fetched ahead; `isUsed` when a reader joined on the way.
    mutating func noteFetched(_ key: FlightKey, isUsed: Bool) {
        fetched += 1
        guard !isUsed else {
            used += 1
            return
        }
        lastNumber += 1
        unused[key] = lastNumber
        order.append((key, lastNumber))
        while order.count - head > Self.capacity {
            let oldest = order[head]
            head += 1
            if unused[oldest.key] == oldest.number {
                unused[oldest.key] = nil
                wasted += 1
            }
        }
        if head > Self.capacity {
            order.removeFirst(head)
            head = 0
        }
    }

    /// A reader wants a block.
    mutating func noteWanted(_ key: FlightKey) {
        if unused.removeValue(forKey: key) != nil { used += 1 }
    }
}
