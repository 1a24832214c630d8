/// An inode number. A number is made from what a file is, never handed out, so it is the same in every mount on every machine.
///
/// Most numbers are computed, and ``Node`` holds the coding. A name that does not fit into the 64 bits of a computed number has
/// a hash of the source and its path (``NodeTable``).
package struct InodeNumber: RawRepresentable, Hashable, Sendable {
    /// The number the kernel sees.
    package let rawValue: UInt64

    /// Wraps a number.
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The root of the mount, `FUSE_ROOT_ID`.
    package static let root = InodeNumber(rawValue: 1)

    /// Set in hashed numbers. Computed ones have it clear, because their kind, from bit 56 on, stays below 64.
    private static let hashedBit: UInt64 = 1 << 62

    /// The number made from the low 62 bits of a hash. Bit 63 stays clear for programs that read `st_ino` as signed.
    init(hash: UInt64) { rawValue = hash & (Self.hashedBit - 1) | Self.hashedBit }

    /// Whether this is a hash. Without the number's name in ``NodeTable`` it tells nothing.
    var isHashed: Bool { rawValue >> 62 == 1 }
}
