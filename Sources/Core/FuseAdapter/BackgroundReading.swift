package import Support

/// How a process reads for the sake of the cache: two commands of `ioctl(2)`.
///
/// What a marked descriptor reads is fetched behind everything that a reader waits for, and what is fetched for it alone is
/// on disk when the read returns, if the disk takes it. `neuronfs prefetch` marks its own; other programs that warm the cache
/// may do the same. Any other command on a file of a mount fails with `ENOTTY`.
package enum BackgroundReading {
    /// `_IO('N', 0x20)`: of those with the letter N, Linux gives 0x20 to 0x3F to no driver
    /// (Documentation/userspace-api/ioctl/ioctl-number.rst).
    static let marking: UInt32 = 0x4E20
    /// `_IOR('N', 0x21, uint64_t[2])`.
    static let counting: UInt32 = 0x8010_4E21

    /// Marks an open file for good. What memory holds of it and the disk does not is forgotten, to be fetched again.
    ///
    /// - Throws: `ENOTTY` when it is a file of no NeuronFS mount.
    package static func mark(_ descriptor: Int32) throws(Errno) { try sendControl(marking, to: descriptor) }

    /// How many blocks an open file is read from (tiles of images, extents of files; none of what is made here), and how
    /// many of them the cache on disk does not hold. Whether those it holds are sound is not looked at.
    ///
    /// - Throws: `ENOTTY` when it is a file of no NeuronFS mount.
    package static func blocks(_ descriptor: Int32) throws(Errno) -> (missing: Int, all: Int) {
        let (missing, all) = try askControl(counting, of: descriptor)
        return (Int(clamping: missing), Int(clamping: all))
    }
}
