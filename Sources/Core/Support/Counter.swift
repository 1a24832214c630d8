import Synchronization

/// A monotonic count or a gauge that any thread may change.
public final class Counter: Sendable {
    private let storage = Atomic<Int>(0)

    /// A counter at zero.
    public init() {}

    /// The present value.
    public var value: Int { storage.load(ordering: .relaxed) }

    /// Adds `amount`, which may be negative for a gauge.
    public func add(_ amount: Int = 1) { storage.add(amount, ordering: .relaxed) }
}
