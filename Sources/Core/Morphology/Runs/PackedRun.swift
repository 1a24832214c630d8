/// A run in eight bytes. From the top, 16 bits each: row, first column, last column, value. So sorting the words sorts
/// by row, then column.
enum PackedRun {
    @inline(__always) static func pack(row: Int, first: Int, last: Int, value: UInt16) -> UInt64 {
        UInt64(truncatingIfNeeded: row) << 48 | UInt64(truncatingIfNeeded: first) << 32
            | UInt64(truncatingIfNeeded: last) << 16 | UInt64(value)
    }

    @inline(__always) static func row(_ word: UInt64) -> Int { Int(truncatingIfNeeded: word >> 48) }
    @inline(__always) static func first(_ word: UInt64) -> Int { Int(truncatingIfNeeded: (word >> 32) & 0xFFFF) }
    /// Inclusive, so that column 65535 fits.
    @inline(__always) static func last(_ word: UInt64) -> Int { Int(truncatingIfNeeded: (word >> 16) & 0xFFFF) }
    @inline(__always) static func value(_ word: UInt64) -> UInt16 { UInt16(truncatingIfNeeded: word) }

    static func run(_ word: UInt64) -> LabelRun {
        LabelRun(row: row(word), columns: first(word)..<(last(word) + 1), value: value(word))
    }
}

/// A growing list of words without the checks of an array, because the builder appends to it for every run.
@safe struct WordBuffer: ~Copyable {
    private(set) var words: UnsafeMutablePointer<UInt64>
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int) {
        self.capacity = max(capacity, 16)
        unsafe words = .allocate(capacity: self.capacity)
    }

    deinit { unsafe words.deallocate() }

    @inline(__always) mutating func append(_ word: UInt64) {
        if count == capacity { grow(to: 2 * capacity) }
        unsafe words[count] = word
        count += 1
    }

    /// Makes room for `words` more words.
    mutating func reserve(_ words: Int) {
        if count + words > capacity { grow(to: max(2 * capacity, count + words)) }
    }

    mutating func removeAll() { count = 0 }

    private mutating func grow(to size: Int) {
        let larger = UnsafeMutablePointer<UInt64>.allocate(capacity: size)
        unsafe larger.update(from: words, count: count)
        unsafe words.deallocate()
        unsafe words = larger
        capacity = size
    }

    /// The words as an array of exactly their size.
    func array() -> [UInt64] { unsafe [UInt64](UnsafeBufferPointer(start: words, count: count)) }
}
