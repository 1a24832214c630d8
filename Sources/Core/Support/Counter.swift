import Synchronization

/// A count that only grows, or a gauge. Any thread may change it.
package final class Counter: Sendable {
    private let storage = Atomic<Int>(0)

    /// A counter at zero.
    package init() {}

    /// The present value.
    package var value: Int { storage.load(ordering: .relaxed) }

    /// Adds `amount`, which may be negative for a gauge.
    package func add(_ amount: Int = 1) { storage.add(amount, ordering: .relaxed) }
}
