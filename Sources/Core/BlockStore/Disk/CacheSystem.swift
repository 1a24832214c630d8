import Support

/// The parts of the system that tests replace: they set the time, fill the disk and make writes fail.
struct CacheSystem: Sendable {
    /// Seconds since 1970.
    var now: @Sendable () -> Double = wallClockSeconds
    /// Bytes free on the file system of a path. Nil when the system does not say, which lifts that limit.
    var freeBytes: @Sendable (String) -> Int? = { DiskSpace.freeBytes($0) }
    /// The error with which every write fails from now on; nil for none.
    var writeFault: @Sendable () -> Errno? = { nil }
    /// Seconds between two looks at the lock, the pins and the removals of others. A time of use reaches its file as late.
    var pollSeconds = 1.0
}
