/// Why a skeleton or marker file is refused.
public struct SWCError: Error, Hashable, CustomStringConvertible {
    /// The line, from 1; 0 when the whole file is at fault. For nodes that did not come from a file, it is the position
    /// in the list, from 1.
    public var line: Int
    /// What is wrong with the line.
    public var reason: String

    /// An error of `line` with its `reason`.
    public init(line: Int, reason: String) {
        self.line = line
        self.reason = reason
    }

    /// For example "line 12: the radius is negative".
    public var description: String { line > 0 ? "line \(line): \(reason)" : reason }
}

/// Limits on the size and the numbers of a file.
public struct SWCLimits: Sendable, Hashable {
    /// The most nodes; the largest real skeleton has 41,080. Default 1,000,000.
    public var maximumNodes = 1_000_000
    /// The largest absolute coordinate, um, after units and offset are applied. Default 100,000: a whole mouse brain is
    /// 13,200 um.
    public var maximumCoordinate = 100_000.0
    /// The largest radius, um, after units are applied. Default 1000; real somata are below 20.
    public var maximumRadius = 1000.0

    /// The defaults.
    public init() {}
}
