/// One copy of a value for all that hold an equal one under the same key.
///
/// The kernel may hold ten thousand handles of one directory, each with a listing that never changes. Their listings are
/// equal as long as nothing changes in the directory.
package final class SharedValues<Key: Hashable & Sendable, Value: Equatable & Sendable>: Sendable {
    /// A holder of a value.
    package final class Holder: Sendable {
        private let copy: Copy
        private let key: Key
        private let table: SharedValues

        fileprivate init(_ copy: Copy, _ key: Key, _ table: SharedValues) {
            self.copy = copy
            self.key = key
            self.table = table
        }

        deinit { table.leave(copy, key) }

        /// The value.
        package var value: Value { copy.value }
    }

    fileprivate final class Copy: Sendable {
        let value: Value
        init(_ value: Value) { self.value = value }
    }

    private struct Entry {
        let copy: Copy
        var holders = 1
    }

    /// The last value of each key. An older one is not found again.
    private let last = Monitor<[Key: Entry]>([:])

    /// A table without values.
    package init() {}

    /// A holder of the last value of `key` if that equals `value`, else of `value`.
    package func share(_ value: Value, for key: Key) -> Holder {
        let present = last.withLock { $0[key]?.copy }
        let copy = present.flatMap { $0.value == value ? $0 : nil } ?? Copy(value)
        last.withLock { last in
            if last[key]?.copy === copy { last[key]?.holders += 1 } else { last[key] = Entry(copy: copy) }
        }
        return Holder(copy, key, self)
    }

    /// Keys whose last value has a holder.
    package var count: Int { last.withLock { $0.count } }

    private func leave(_ copy: Copy, _ key: Key) {
        last.withLock { last in
            // Another value may have taken the place of this one.
            guard let entry = last[key], entry.copy === copy else { return }
            if entry.holders > 1 { last[key]?.holders -= 1 } else { last[key] = nil }
        }
    }
}
