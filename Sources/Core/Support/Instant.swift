import Glibc

/// A point on the monotonic clock, in nanoseconds since boot. Not comparable between machines or boots.
package struct Instant: Comparable, Hashable, Sendable {
    /// Nanoseconds of `CLOCK_MONOTONIC`.
    package let nanoseconds: UInt64

    /// An instant with the given reading of the monotonic clock, in nanoseconds.
    package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// The current reading of `CLOCK_MONOTONIC`.
    package static var now: Instant {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }

    /// Whether this instant is earlier than `other`.
    package static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The instant `seconds` later; a negative number counts as zero.
    package func advanced(bySeconds seconds: Double) -> Instant {
        Instant(nanoseconds: nanoseconds &+ UInt64(max(0, seconds) * 1e9))
    }

    /// Seconds from `earlier` to this instant; negative when `earlier` is later.
    package func seconds(since earlier: Instant) -> Double {
        nanoseconds >= earlier.nanoseconds
            ? Double(nanoseconds - earlier.nanoseconds) / 1e9 : -Double(earlier.nanoseconds - nanoseconds) / 1e9
    }
}

/// Wall-clock time, in seconds since 1970, for file times and freshness across restarts.
package func wallClockSeconds() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Whether a check made at `time` is still good at `now`, both in seconds since 1970.
///
/// A time in the future counts as no check: the clock was wrong then, and nothing tells since when.
///
/// - Parameter seconds: how long a check is good.
package func isFresh(checkedAt time: Double, for seconds: Double, now: Double = wallClockSeconds()) -> Bool {
    (0..<seconds).contains(now - time)
}
