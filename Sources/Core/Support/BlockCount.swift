/// How many blocks something is read from, and how many of them the cache on disk lacks.
public struct BlockCount: Equatable, Sendable {
    /// Tiles of images, extents of files.
    public var blocks = 0
    /// Those of ``blocks`` that the cache's directory does not hold.
    public var missing = 0

    /// None: what is made here has no blocks.
    public init() {}

    /// Both together.
    public static func + (left: Self, right: Self) -> Self {
        var sum = left
        sum.blocks += right.blocks
        sum.missing += right.missing
        return sum
    }
}
