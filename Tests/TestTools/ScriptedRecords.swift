import Specimens
import Support

/// Keeps records of objects in memory, and counts versions as the catalogue does: another tag is another version.
package final class ScriptedRecords: ObjectRecords {
    private let kept = Monitor<[ObjectID: ObjectRecord]>([:])
    private let observer = Monitor<(@Sendable (ObjectRecord) -> Void)?>(nil)

    /// No records.
    package init() {}

    /// Calls `observer` before a record is kept.
    package func onKeep(_ observer: @escaping @Sendable (ObjectRecord) -> Void) {
        self.observer.withLock { $0 = observer }
    }

    package func record(of id: ObjectID) -> ObjectRecord? { kept.withLock { $0[id] } }

    package func keep(_ record: ObjectRecord, after previous: ObjectRecord?) -> ObjectRecord {
        observer.withLock { $0 }?(record)
        return kept.withLock { kept in
            var record = record
            let known = kept[record.id] ?? previous
            let isOther = known.map { $0.validator != record.validator } ?? false
            record.number = (known?.number ?? 1) + (isOther ? 1 : 0)
            kept[record.id] = record
            return record
        }
    }
}
