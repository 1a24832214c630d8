/// A least-recently-used table with a limit. The limit applies to the sum of costs, commonly bytes.
package final class MemoryCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Entry {
        var value: Value
        var cost: Int
        var lastUse: UInt64
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var order: [UInt64: Key] = [:]
        var oldest: UInt64 = 0
        var clock: UInt64 = 0
        var total = 0

        mutating func touch(_ key: Key, _ entry: inout Entry) {
            order[entry.lastUse] = nil
            clock += 1
            entry.lastUse = clock
            order[clock] = key
        }

        /// Evicts the least recently used entries until the total is within `limit`. `oldest` only moves forward, so
        /// the search costs one step for each use on average.
        mutating func shrink(to limit: Int) {
            while total > limit, entries.count > 1, oldest < clock {
                oldest += 1
                guard let key = order.removeValue(forKey: oldest), let entry = entries.removeValue(forKey: key) else {
                    continue
                }
                total -= entry.cost
            }
        }
    }

    private let state = Monitor(State())
    private let limit: Int

    /// - Parameter limit: the largest sum of costs. One entry is kept whatever it costs.
    package init(limit: Int) { self.limit = limit }

    /// The value of `key`, which becomes the most recently used.
    package subscript(key: Key) -> Value? {
        state.withLock { state in
            guard var entry = state.entries[key] else { return nil }
            state.touch(key, &entry)
            state.entries[key] = entry
            return entry.value
        }
    }

    /// The values of `keys`, or nil when one is missing. A whole row of tiles needs one lock.
    package func all(_ keys: [Key]) -> [Value]? {
        state.withLock { state in
            var values: [Value] = []
            values.reserveCapacity(keys.count)
            for key in keys {
                guard var entry = state.entries[key] else { return nil }
                state.touch(key, &entry)
                state.entries[key] = entry
                values.append(entry.value)
            }
            return values
        }
    }

    /// Keeps `value` under `key`, and evicts entries that no longer fit.
    package func insert(_ value: Value, for key: Key, cost: Int) {
        state.withLock { state in
            if let old = state.entries.removeValue(forKey: key) {
                state.order[old.lastUse] = nil
                state.total -= old.cost
            }
            var entry = Entry(value: value, cost: cost, lastUse: 0)
            state.touch(key, &entry)
            state.entries[key] = entry
            state.total += cost
            state.shrink(to: limit)
        }
    }

    /// Removes the entry of `key`, if there is one.
    package func remove(_ key: Key) {
        state.withLock { state in
            guard let entry = state.entries.removeValue(forKey: key) else { return }
            state.order[entry.lastUse] = nil
            state.total -= entry.cost
        }
    }

    /// Removes every entry whose key satisfies `condition`.
    package func removeAll(where condition: (Key) -> Bool) {
        state.withLock { state in
            for (key, entry) in state.entries where condition(key) {
                state.entries[key] = nil
                state.order[entry.lastUse] = nil
                state.total -= entry.cost
            }
        }
    }

    /// The sum of costs of the entries whose key satisfies `condition`. Looks at every entry.
    package func cost(where condition: (Key) -> Bool) -> Int {
        state.withLock { state in state.entries.reduce(0) { $0 + (condition($1.key) ? $1.value.cost : 0) } }
    }

    /// The present sum of costs and the number of entries.
    package var usage: (cost: Int, count: Int) { state.withLock { ($0.total, $0.entries.count) } }
}
