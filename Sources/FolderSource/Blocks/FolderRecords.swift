internal import Specimens
internal import Support

/// What is known of the files of a folder, in memory alone: the folder itself is asked at each open.
final class FolderRecords: ObjectRecords {
    private let kept = Monitor<[Int: [ObjectID: ObjectRecord]]>([:])

    func record(of id: ObjectID) -> ObjectRecord? { kept.withLock { $0[id.specimen]?[id] } }

    func keep(_ record: ObjectRecord, after previous: ObjectRecord?) -> ObjectRecord {
        kept.withLock { kept in
            var record = record
            if let known = kept[record.id.specimen]?[record.id] ?? previous {
                let isSame = known.validator == record.validator
                record.number = isSame ? known.number : known.number + 1
                if isSame {
                    record.length = record.length ?? known.length
                    record.modified = record.modified ?? known.modified
                }
            } else {
                record.number = 1
            }
            kept[record.id.specimen, default: [:]][record.id] = record
            return record
        }
    }

    /// The objects of a specimen that anyone has asked for, each with its validator.
    func known(of specimen: Int) -> [ObjectID: String] {
        kept.withLock { $0[specimen]?.mapValues(\.validator) ?? [:] }
    }
}
