package import Support

/// Reading for the sake of the cache: two commands of `ioctl(2)`.
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

    /// Marks an open file for good. Blocks of the file that are in memory but not on the disk are removed from memory,
    /// and will be fetched again.
    ///
    /// - Throws: `ENOTTY` when it is a file of no NeuronFS mount.
    package static func mark(_ descriptor: Int32) throws(Errno) { try sendControl(marking, to: descriptor) }

    /// The number of blocks that an open file is read from, and how many of them the cache on disk lacks. Blocks are
    /// tiles of images and extents of files. A file that the mount itself makes has none. The blocks on disk are
    /// counted without checking them.
    ///
    /// - Throws: `ENOTTY` when it is a file of no NeuronFS mount.
    package static func blocks(_ descriptor: Int32) throws(Errno) -> (missing: Int, all: Int) {
        let (missing, all) = try askControl(counting, of: descriptor)
        return (Int(clamping: missing), Int(clamping: all))
    }
}
