/// Turns the raw runs of one plane, which overlap and have any order, into sorted runs without overlap. At every voxel
/// the lowest value wins.
@safe struct RunResolver: ~Copyable {
    /// The number of runs in each row of the current plane; zero between planes.
    private var rowCounts: UnsafeMutablePointer<UInt32>
    private let height: Int
    private var sorted = WordBuffer(capacity: 4096)

    init(height: Int) {
        self.height = height
        unsafe rowCounts = .allocate(capacity: height + 1)
        unsafe rowCounts.initialize(repeating: 0, count: height + 1)
    }

    deinit { unsafe rowCounts.deallocate() }

    /// Appends the resolved runs of `raw` to `output`.
    mutating func resolve(_ raw: borrowing WordBuffer, into output: inout WordBuffer) {
        guard raw.count > 0 else { return }
        sortByRow(raw)
        let words = unsafe sorted.words
        var start = 0
        while start < raw.count {
            let row = unsafe PackedRun.row(words[start])
            var end = start + 1
            while unsafe end < raw.count && PackedRun.row(words[end]) == row { end += 1 }
            unsafe Self.sortByColumn(words, start, end)
            unsafe Self.resolveRow(words, start, end, into: &output)
            start = end
        }
    }

    /// A counting sort by row: it is linear, and a plane of a neuron has few rows.
    private mutating func sortByRow(_ raw: borrowing WordBuffer) {
        sorted.removeAll()
        sorted.reserve(raw.count)
        let input = unsafe raw.words
        let counts = unsafe rowCounts
        var lowest = height
        var highest = 0
        for index in 0..<raw.count {
            let row = unsafe PackedRun.row(input[index])
            unsafe counts[row] += 1
            lowest = min(lowest, row)
            highest = max(highest, row)
        }
        var total: UInt32 = 0
        for row in lowest...highest {
            let count = unsafe counts[row]
            unsafe counts[row] = total
            total += count
        }
        let output = unsafe sorted.words
        for index in 0..<raw.count {
            let word = unsafe input[index]
            let row = PackedRun.row(word)
            unsafe output[Int(counts[row])] = word
            unsafe counts[row] += 1
        }
        unsafe (counts + lowest).update(repeating: 0, count: highest - lowest + 1)
    }

    /// Insertion sort for the few runs of a usual row; the library's sort for a crowded row.
    private static func sortByColumn(_ words: UnsafeMutablePointer<UInt64>, _ start: Int, _ end: Int) {
        if end - start > 48 {
            var row = unsafe UnsafeMutableBufferPointer(start: words + start, count: end - start)
            unsafe row.sort()
            return
        }
        var index = start + 1
        while index < end {
            let word = unsafe words[index]
            var hole = index
            while unsafe hole > start && words[hole - 1] > word {
                unsafe words[hole] = unsafe words[hole - 1]
                hole -= 1
            }
            unsafe words[hole] = word
            index += 1
        }
    }

    /// Resolves the runs of one row, sorted by first column. A cluster is a stretch in which each run touches one
    /// before it.
    private static func resolveRow(
        _ words: UnsafeMutablePointer<UInt64>, _ start: Int, _ end: Int, into output: inout WordBuffer
    ) {
        var index = start
        while index < end {
            let first = unsafe words[index]
            var last = PackedRun.last(first)
            var next = index + 1
            var isUniform = true
            while unsafe next < end && PackedRun.first(words[next]) <= last + 1 {
                let word = unsafe words[next]
                last = max(last, PackedRun.last(word))
                isUniform = isUniform && PackedRun.value(word) == PackedRun.value(first)
                next += 1
            }
            if isUniform {
                output.append(first & ~0xFFFF_0000 | UInt64(truncatingIfNeeded: last) << 16)
            } else {
                unsafe resolveCluster(words, index, next, last: last, into: &output)
            }
            index = next
        }
    }

    /// Goes through a cluster of several values from left to right. The lowest value present holds until its run ends
    /// or a lower one begins. The words of runs that have ended may be overwritten.
    private static func resolveCluster(
        _ words: UnsafeMutablePointer<UInt64>, _ start: Int, _ end: Int, last: Int, into output: inout WordBuffer
    ) {
        var column = unsafe PackedRun.first(words[start])
        let row = unsafe PackedRun.row(words[start])
        var pendingFirst = column
        var pendingValue: UInt16 = 0
        var isPending = false
        var living = start
        while column <= last {
            var best = UInt16.max
            var bestLast = -1
            // The first pass finds the value, the second finds where it stops.
            var index = living
            var ended = 0
            while unsafe index < end && PackedRun.first(words[index]) <= column {
                let word = unsafe words[index]
                let value = PackedRun.value(word)
                let runLast = PackedRun.last(word)
                if runLast < column { ended += 1 }
                if runLast >= column && (bestLast < 0 || value < best || (value == best && runLast > bestLast)) {
                    best = value
                    bestLast = runLast
                }
                index += 1
            }
            // Without this, a cluster of n short runs would take n² / 2 steps.
            if 2 * ended > index - living { unsafe living = gather(words, living, index, from: column) }
            var stop = bestLast
            while unsafe index < end && PackedRun.first(words[index]) <= stop {
                let word = unsafe words[index]
                if PackedRun.value(word) < best {
                    stop = PackedRun.first(word) - 1
                    break
                }
                index += 1
            }
            if isPending && pendingValue != best {
                output.append(PackedRun.pack(row: row, first: pendingFirst, last: column - 1, value: pendingValue))
                pendingFirst = column
            }
            pendingValue = best
            isPending = true
            column = stop + 1
        }
        output.append(PackedRun.pack(row: row, first: pendingFirst, last: last, value: pendingValue))
    }

    /// Moves the runs of `start ..< end` that reach `column` together before `end`, in their order. Returns the index
    /// of the first.
    private static func gather(
        _ words: UnsafeMutablePointer<UInt64>, _ start: Int, _ end: Int, from column: Int
    ) -> Int {
        var first = end
        var index = end
        while index > start {
            index -= 1
            let word = unsafe words[index]
            guard PackedRun.last(word) >= column else { continue }
            first -= 1
            unsafe words[first] = word
        }
        return first
    }
}
