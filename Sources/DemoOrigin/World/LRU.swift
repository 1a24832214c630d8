import Support

/// The few most recently used values. One thread creates each value once, outside the lock.
final class LRU<Value: Sendable>: Sendable {
    private struct State {
        var values: [(key: Int, value: Value)] = []
        var inProgress: Set<Int> = []
    }

    private let capacity: Int
    private let state = Monitor(State())

    init(capacity: Int) { self.capacity = capacity }

    func value(_ key: Int, make: () throws -> Value) throws -> Value {
        let known: Value? = state.wait { state in
            if let index = state.values.firstIndex(where: { $0.key == key }) {
                let entry = state.values.remove(at: index)
                state.values.append(entry)
                return .some(entry.value)
            }
            return state.inProgress.insert(key).inserted ? .some(nil) : nil
        }
        if let known { return known }
        do {
            let value = try make()
            state.update { state in
                state.inProgress.remove(key)
                state.values.append((key, value))
                if state.values.count > capacity { state.values.removeFirst() }
            }
            return value
        } catch {
            _ = state.update { $0.inProgress.remove(key) }
            throw error
        }
    }
}
