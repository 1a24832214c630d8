/// Why a skeleton or marker file is refused.
public struct SWCError: Error, Hashable, CustomStringConvertible {
    /// The line, from 1; 0 when the file as a whole is at fault. For nodes that did not come from a file, the position
    /// in the list, from 1.
    public var line: Int
    /// What is wrong with it.
    public var reason: String

    /// A refusal of `line` for `reason`.
    public init(line: Int, reason: String) {
        self.line = line
        self.reason = reason
    }

    /// "line 12: the radius is negative".
    public var description: String { line > 0 ? "line \(line): \(reason)" : reason }
}

/// Bounds on what a file may ask for.
public struct SWCLimits: Sendable, Hashable {
    /// Most nodes; the largest real skeleton has 41,080. Default 1,000,000.
    public var maximumNodes = 1_000_000
    /// Largest absolute coordinate, um, after units and offset are applied. Default 100,000: a whole mouse brain is
    /// 13,200 um.
    public var maximumCoordinate = 100_000.0
    /// Largest radius, um, after units are applied. Default 1000; real somata are below 20.
    public var maximumRadius = 1000.0

    /// The defaults.
    public init() {}
}
