import Glibc

/// A point on the monotonic clock, in nanoseconds since boot. Not comparable between machines or boots.
public struct Instant: Comparable, Hashable, Sendable {
    /// Nanoseconds of `CLOCK_MONOTONIC`.
    public let nanoseconds: UInt64

    /// An instant with the given reading of the monotonic clock, in nanoseconds.
    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// The present reading of `CLOCK_MONOTONIC`.
    public static var now: Instant {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }

    /// Whether this instant is earlier than `other`.
    public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The instant `seconds` later; negative counts as zero.
    public func advanced(bySeconds seconds: Double) -> Instant {
        Instant(nanoseconds: nanoseconds &+ UInt64(max(0, seconds) * 1e9))
    }

    /// Seconds from `earlier` to this instant; negative when `earlier` is later.
    public func seconds(since earlier: Instant) -> Double {
        nanoseconds >= earlier.nanoseconds
            ? Double(nanoseconds - earlier.nanoseconds) / 1e9 : -Double(earlier.nanoseconds - nanoseconds) / 1e9
    }
}

/// Wall-clock time, in seconds since 1970, for file times and freshness across restarts.
public func wallClockSeconds() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Whether what was checked at `time` need not be checked again at `now`, both in seconds since 1970.
///
/// A time to come counts as none: the clock was wrong then, and nothing says since when.
///
/// - Parameter seconds: for how long a check is good.
public func isFresh(checkedAt time: Double, for seconds: Double, now: Double = wallClockSeconds()) -> Bool {
    (0..<seconds).contains(now - time)
}
