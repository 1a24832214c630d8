import Glibc

/// Which blocks are kept longest: a sum in seconds. Its parts survive a remount, in a file's modification time and in the
/// fetch cost of its header.
///
///     score = time of last use + 1 h x (log2(1 + seconds to fetch 1 MiB of it) + log2(1 + reads since mounting))
///
/// The block of the lowest score is evicted first: among equals the least recently used. Each doubling of the cost to fetch
/// again, or of the number of reads, makes up for one hour of disuse.
enum BlockWorth {
    /// Seconds of disuse that one doubling of cost or of reads makes up for.
    static let creditOfDoubling = 3600.0

    /// The credit in seconds for `bytes` bytes that took `seconds` to fetch.
    static func credit(seconds: Double, bytes: Int) -> Float {
        guard seconds.isFinite, seconds > 0 else { return 0 }
        let perMebibyte = seconds * 1_048_576 / Double(max(bytes, 1))
        // At most a day per MiB counts: more is a fault of a clock or a header.
        return Float(creditOfDoubling * log2(1 + min(perMebibyte, 86_400)))
    }

    /// The score of a block last used at `lastUse` (seconds since 1970) and read `reads` times.
    static func score(lastUse: Double, credit: Float, reads: UInt8) -> Double {
        lastUse + Double(credit) + creditOfReads[Int(reads)]
    }

    /// The credit in seconds for every number of reads, computed once: each comparison in the heap uses it.
    private static let creditOfReads = (0...255).map { creditOfDoubling * log2(1 + Double($0)) }
}
