import Volumes

/// Distinguishes the reads of processes from speculative reads of the kernel.
///
/// The kernel reads ahead: 64 KiB behind the first bytes of a file, 128 KiB or more around a page that a memory map
/// touches. On a plane whose rows are 10,000 bytes that is dozens of rows over the full width. A window of 512 x 512 would
/// fetch every tile beside it. So a large read that needs a request to the source is refused once. The kernel never shows that
/// to the process. It asks again, for the single pages that a process waits for. A read that continues a long run of bytes,
/// at either end, belongs to a sequential reader and is served whole.
///
/// Where every tile is on this machine nothing is refused: one read of 128 KiB costs less than its pages one by one, and
/// the tiles serve the next reads of the window (docs/BENCHMARKS.md, crops).
///
/// The requests of one sequential reader come in any order: the kernel sends the next read-ahead window beside the present
/// one, and two threads take them up. So a request near the ends of a long run continues it, and so does one inside it.
///
/// Measured on Linux 6.18 (docs/ARCHITECTURE.md, decision 2).
struct ReadPattern: Sendable {
    /// A request no larger than this is a page that a process waits for.
    static let pageSize = 4096
    /// A run of this many bytes without a gap makes a sequential reader. A window's rows leave gaps, so its runs are
    /// a page or two, where a row is longer than a page.
    static let sequentialRun = 65_536
    /// How far beyond the ends of a long run a request may lie and still belong to its reader: two read-ahead windows
    /// of 1 MiB, which the kernel doubles for POSIX_FADV_SEQUENTIAL.
    static let sequentialReach = 4 << 20

    private let longRun: Int
    /// What was served without a gap.
    private var run = 0..<0
    /// The part of it that processes have certainly asked for.
    private var asked = 0..<0
    /// The run before the present one, which began below it, and what was asked for of it: of a reader that comes downwards
    /// in pieces, whose pages the kernel asks for upwards.
    private var above: (run: Range<Int>, asked: Range<Int>)?
    /// The last read that may have been speculative. When the kernel makes another beyond it, a process has come to this one.
    private var guess = 0..<0
    /// What the kernel has read ahead out of memory a little beyond the run, whose reader has not come so far.
    private var beyond = 0..<0
    private var refused = 0..<0
    private var isTold = false

    /// Whether the run last grew at its lower end.
    private(set) var isDescending = false

    /// - Parameter longRun: bytes without a gap from which on a reader gets more than it asks for: reads of the kernel served
    ///   whole, and what lies ahead. Where rows are shorter than a page a window has no gaps; it is to be shorter than this.
    init(longRun: Int = sequentialRun) { self.longRun = max(longRun, Self.sequentialRun) }

    /// The pattern of a reader of rows of `line` bytes, fetched in tiles of `tileSide` voxels.
    ///
    /// Where a line is shorter than a page of memory and a window's width, here that of a tile, windows have no gaps: then more
    /// than a row of tiles, so that no window of up to that height is long enough. Longer lines leave gaps, and each read
    /// that is refused meanwhile costs 256 single pages.
    init(line: Int, tileSide: Int) {
        let hasGaps = line > Self.pageSize + tileSide
        self.init(longRun: hasGaps ? Self.sequentialRun : tileSide * line + Self.sequentialRun)
    }

    /// Whether the read of `range` is to be refused for now.
    ///
    /// - Parameters:
    ///   - cost: of the read.
    ///   - isDirect: whether the process opened the file with `O_DIRECT`, past the page cache: then every read is its own.
    mutating func refuses(_ range: Range<Int>, cost: ReadCost, isDirect: Bool) -> Bool {
        let reach = isLong ? Self.sequentialReach : 0
        let continues =
            !run.isEmpty && range.lowerBound <= run.upperBound + reach && range.upperBound >= run.lowerBound - reach
        let isAgain = isAgain(range)
        if range.count > Self.pageSize, cost == .request, !isDirect, !(isLong && continues), !isAgain {
            refused = range
            return true
        }
        // The kernel reads ahead upwards: a short read that ends where the run begins is of a reader that comes downwards.
        let isDownwards = range.count < Self.sequentialRun && range.upperBound == run.lowerBound
        let isOwn = range.count <= Self.pageSize || isDirect || isDownwards
        // A speculative read that memory answers, without a sequential reader: no process has asked for it, and it is no run.
        guard isOwn || isAgain || (isSequential && continues) else {
            if isSequential, range.lowerBound > run.upperBound, range.lowerBound - run.upperBound < Self.sequentialReach
            {
                beyond = touches(beyond, range) ? union(beyond, range) : range
            }
            return false
        }
        extend(by: range, continues: continues, isOwn: isOwn)
        return false
    }

    /// Whether what was asked for is a run of a sequential reader.
    var isSequential: Bool { asked.count >= Self.sequentialRun }

    /// Where a sequential reader is with the read of `range`, for fetching ahead of it; nil when there is none yet. The
    /// pages of one refused read say nothing of the direction: the kernel asks for them upwards.
    ///
    /// - Returns: the bytes for which it, or the kernel, has asked at once; the first time also the byte where it began.
    mutating func progress(of range: Range<Int>) -> (bytes: Range<Int>, start: Int?)? {
        guard isLong, !contains(refused, asked) else { return nil }
        defer { isTold = true }
        let start = isDescending ? asked.upperBound - 1 : asked.lowerBound
        return (contains(refused, range) ? refused : range, isTold ? nil : start)
    }

    /// Whether the reader has come far enough to get more than it asks for.
    var isLong: Bool { asked.count >= longRun }

    private func touches(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
        !left.isEmpty && left.lowerBound <= right.upperBound && right.lowerBound <= left.upperBound
    }

    private func union(_ left: Range<Int>, _ right: Range<Int>) -> Range<Int> {
        min(left.lowerBound, right.lowerBound)..<max(left.upperBound, right.upperBound)
    }

    private func contains(_ whole: Range<Int>, _ part: Range<Int>) -> Bool {
        part.lowerBound >= whole.lowerBound && part.upperBound <= whole.upperBound
    }

    /// Whether `range` was refused before: all of it, or as a part that the kernel keeps as one piece of memory, of a size
    /// and place that are multiples of a power of two. No read is refused twice.
    private func isAgain(_ range: Range<Int>) -> Bool {
        guard contains(refused, range) else { return false }
        let size = 1 << (Int.bitWidth - (range.count - 1).leadingZeroBitCount)
        let isWhole = range.count == size || range.upperBound == refused.upperBound
        return range == refused || (isWhole && range.lowerBound % size == 0)
    }

    private mutating func extend(by range: Range<Int>, continues: Bool, isOwn: Bool) {
        guard continues else {
            above = range.upperBound <= run.lowerBound && !asked.isEmpty ? (run, asked) : nil
            run = range
            asked = isOwn ? range : range.lowerBound..<range.lowerBound
            guess = isOwn ? 0..<0 : range
            beyond = 0..<0
            (isDescending, isTold) = (false, false)
            return
        }
        if range.upperBound > run.upperBound {
            isDescending = false
        } else if range.lowerBound < run.lowerBound {
            isDescending = true
        }
        run = union(run, range)
        if isOwn {
            asked = union(asked, range)
        } else {
            if !guess.isEmpty, range.lowerBound >= guess.upperBound {
                asked = asked.lowerBound..<max(asked.upperBound, guess.lowerBound)
            } else if !guess.isEmpty, range.upperBound <= guess.lowerBound {
                asked = min(asked.lowerBound, guess.upperBound)..<asked.upperBound
            }
            guess = range
        }
        if touches(beyond, run) {
            run = union(run, beyond)
            (guess, beyond) = (beyond, 0..<0)
        }
        guard let upper = above, run.upperBound >= upper.run.lowerBound else { return }
        asked = union(asked, upper.asked)
        run = union(run, upper.run)
        above = nil
        isDescending = true
    }
}
