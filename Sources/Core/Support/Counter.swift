import Synchronization

/// A count that only grows, or a gauge. Any thread may change it.
public final class Counter: Sendable {
    private let storage = Atomic<Int>(0)

    /// A counter at zero.
    public init() {}

    /// The present value.
    public var value: Int { storage.load(ordering: .relaxed) }

    /// Adds `amount`, which may be negative for a gauge.
    public func add(_ amount: Int = 1) { storage.add(amount, ordering: .relaxed) }
}
