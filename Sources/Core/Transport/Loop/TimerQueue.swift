import Support

/// Deadlines and ends of pauses, earliest first (a binary heap). The entry of a finished job is dropped late, when it
/// comes up or the heap has grown.
struct TimerQueue {
    private var heap: [(at: Instant, job: Job)] = []

    var next: Instant? { heap.first?.at }

    mutating func add(_ job: Job, at instant: Instant, live: Int) {
        if heap.count > 4 * live + 256 {
            heap.removeAll { $0.job.state == .finished }
            heap.sort { $0.at < $1.at }
        }
        heap.append((instant, job))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].at < heap[parent].at else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Removes and returns one job whose time has come.
    mutating func popDue(_ now: Instant) -> Job? {
        guard let first = heap.first, first.at <= now else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            let left = 2 * parent + 1
            guard left < heap.count else { break }
            let right = left + 1
            let child = right < heap.count && heap[right].at < heap[left].at ? right : left
            guard heap[child].at < heap[parent].at else { break }
            heap.swapAt(child, parent)
            parent = child
        }
        return first.job
    }
}
