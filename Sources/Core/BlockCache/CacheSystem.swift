import Support

/// The world outside as the cache sees it: clock, free room and the write of a file, so that tests can set the time, fill
/// the disk and make writes fail.
struct CacheSystem: Sendable {
    /// Seconds since 1970.
    var now: @Sendable () -> Double = wallClockSeconds
    /// Bytes free on the file system of a path; nil when it cannot be told, which lifts that limit.
    var freeBytes: @Sendable (String) -> Int? = { Disk.freeBytes($0) }
    /// An error that every write meets from now on; nil for none.
    var writeFault: @Sendable () -> Errno? = { nil }
    /// Seconds between looks at the lock, the pins and the removals of others.
    var pollSeconds = 1.0
}
