/// A stretch of one value in a row of labels.
public struct PixelRun: Hashable, Sendable {
    /// The first column.
    public var start: Int
    /// The column behind the last one.
    public var end: Int
    /// The value of all its pixels.
    public var value: UInt8

    /// Columns `start..<end` of a row have `value`.
    public init(start: Int, end: Int, value: UInt8) {
        self.start = start
        self.end = end
        self.value = value
    }
}

/// The PackBits scheme (TIFF 6.0, section 9) for rows given as runs: its size follows from the lengths alone.
///
/// A byte n in 129...255 and a value stand for 257 - n copies of it; n = 0 and a value for a single one. So a stretch of
/// equal pixels takes two bytes for every 128 of them, begun ones included, and a row is encoded for itself.
enum PackBits {
    private static let longest = 128

    /// Bytes of `length` equal pixels.
    static func size(of length: Int) -> Int { 2 * ((length + longest - 1) / longest) }

    /// Bytes of a row of `width` pixels that are 0 outside `runs`, which ascend and do not overlap.
    static func size(ofRow runs: [PixelRun], width: Int) -> Int {
        var size = 0
        forEachStretch(of: runs, width: width) { length, _ in size += Self.size(of: length) }
        return size
    }

    /// Appends the encoding of such a row.
    static func append(row runs: [PixelRun], width: Int, to bytes: inout [UInt8]) {
        forEachStretch(of: runs, width: width) { length, value in
            var left = length
            while left > 0 {
                let count = min(left, longest)
                bytes.append(count == 1 ? 0 : UInt8(257 - count))
                bytes.append(value)
                left -= count
            }
        }
    }

    private static func forEachStretch(of runs: [PixelRun], width: Int, _ body: (_ length: Int, _ value: UInt8) -> Void)
    {
        var column = 0
        for run in runs {
            if run.start > column { body(run.start - column, 0) }
            body(run.end - run.start, run.value)
            column = run.end
        }
        if column < width { body(width - column, 0) }
    }
}
