internal import Support

/// Tells what a reader wants from what the kernel guesses.
///
/// The kernel reads ahead: 64 KiB behind the first bytes of a file, 128 KiB or more around a page that a memory map
/// touches. On a plane whose rows are 10,000 bytes that is dozens of rows over the full width, so a window of 512 x 512
/// would fetch every tile beside it. A large read of bytes that are not in memory is therefore refused once; the
/// kernel, which never shows that to the process, then asks for the single pages that somebody waits for. A read that
/// continues a run of pages already served is a sequential reader and is served whole.
///
/// The requests of one sequential reader come in any order: the kernel sends the next read-ahead window beside the present
/// one, and two threads take them up. So a long run is continued by what lies near its end, and what fell behind is of it.
///
/// Measured on Linux 6.18; docs/ARCHITECTURE.md (Decisions) has the figures.
struct ReadPattern: Sendable {
    /// A request no larger than this is a page that somebody waits for.
    static let pageSize = 4096
    /// A run of this many bytes without a gap makes a sequential reader. A window's rows leave gaps, so its runs are
    /// a page or two.
    static let sequentialRun = 65_536
    /// How far beyond the end of a long run a request may begin and still belong to its reader: two read-ahead windows
    /// of 1 MiB, which the kernel doubles for POSIX_FADV_SEQUENTIAL.
    static let sequentialReach = 4 << 20

    private var runStart = 0
    private var runEnd = 0
    private var refused: Range<Int> = 0..<0

    /// Whether the read of `range` is to be refused for now.
    ///
    /// - Parameters:
    ///   - isInMemory: whether the bytes can be given without fetching or decoding.
    ///   - isDirect: whether the process opened the file with `O_DIRECT`, past the page cache: then every read is its own.
    mutating func refuses(_ range: Range<Int>, isInMemory: Bool, isDirect: Bool) -> Bool {
        let reach = isSequential ? Self.sequentialReach : 0
        let continues = range.lowerBound <= runEnd + reach && range.upperBound >= runEnd && runEnd > runStart
        let isInside = range.lowerBound >= runStart && range.upperBound <= runEnd
        let isOfReader = isSequential && (continues || isInside)
        let isRepeated = range.lowerBound >= refused.lowerBound && range.upperBound <= refused.upperBound
        if range.count > Self.pageSize, !isInMemory, !isDirect, !isOfReader, !isRepeated {
            refused = range
            return true
        }
        // What the kernel read ahead out of memory, nobody has asked for: it makes no run.
        guard range.count <= Self.pageSize || isDirect || isOfReader || isRepeated else { return false }
        if continues {
            runEnd = range.upperBound
        } else if !isInside {
            runStart = range.lowerBound
            runEnd = range.upperBound
        }
        return false
    }

    /// Whether the last read served continued a run long enough to be a sequential reader's.
    var isSequential: Bool { runEnd - runStart >= Self.sequentialRun }
}
