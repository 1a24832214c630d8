/// The number of blocks that data are read from, and how many of them the cache on disk lacks.
package struct BlockCount: Equatable, Sendable {
    /// All blocks: tiles of images, extents of files.
    package var blocks = 0
    /// The blocks that the directory of the cache does not contain.
    package var missing = 0

    /// No blocks: a file that the mount itself makes has none.
    package init() {}

    /// The sum of both counts.
    package static func + (left: Self, right: Self) -> Self {
        var sum = left
        sum.blocks += right.blocks
        sum.missing += right.missing
        return sum
    }
}
