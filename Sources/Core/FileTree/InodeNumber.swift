/// An inode number. Numbers are computed from what a file is, never handed out, so they are the same in every mount
/// on every machine and `forget` needs no bookkeeping. ``Node`` holds the coding.
package struct InodeNumber: RawRepresentable, Hashable, Sendable {
    /// The number the kernel sees.
    package let rawValue: UInt64

    /// Wraps a number.
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The root of the mount, `FUSE_ROOT_ID`.
    package static let root = InodeNumber(rawValue: 1)
}
