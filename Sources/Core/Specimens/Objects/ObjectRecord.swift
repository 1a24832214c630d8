/// What is known of an object: its length, and what tells one version of its bytes from the next.
package struct ObjectRecord: Hashable, Sendable {
    /// Names the object.
    package var id: ObjectID
    /// Length in bytes; nil where the source does not say it, as for a plane that is read by tiles.
    package var length: Int?
    /// The tag that the source gives this version, for example an HTTP entity tag with its quotes.
    package var tag: String?
    /// The date that the source gives this version, as it spells it.
    package var date: String?
    /// That date in seconds since 1970; nil where there is none or it is not understood.
    package var modified: Double?
    /// The media type, as the source spells it.
    package var contentType: String?
    /// Wall clock, seconds since 1970, of the reply that this is from.
    package var checkedAt: Double
    /// Numbers the versions of the object: it grows when the bytes may have changed. The keeper of the records decides it.
    package var number: Int

    /// A record; `number` counts only in records that their keeper returns.
    package init(
        id: ObjectID, length: Int? = nil, tag: String? = nil, date: String? = nil, modified: Double? = nil,
        contentType: String? = nil, checkedAt: Double, number: Int = 0
    ) {
        self.id = id
        self.length = length
        self.tag = tag
        self.date = date
        self.modified = modified
        self.contentType = contentType
        self.checkedAt = checkedAt
        self.number = number
    }

    /// The upstream identity of this version: the tag, else the date, else nothing.
    package var validator: String { tag ?? date ?? "" }

    /// The version as a value to compare.
    package var version: ObjectVersion { ObjectVersion(id: id, number: number) }
}

/// One version of an object, among all that this mount and earlier ones have seen.
package struct ObjectVersion: Hashable, Sendable {
    /// The object.
    package let id: ObjectID
    /// Grows when the upstream object changes.
    package let number: Int

    /// Version `number` of an object.
    package init(id: ObjectID, number: Int) {
        self.id = id
        self.number = number
    }
}

/// Keeps the records of a source's objects from one mount to the next.
///
/// Its methods read and write the disk: they run on workers.
package protocol ObjectRecords: Sendable {
    /// The record of `id`; nil where none is kept, also when it is damaged or unreadable, which the keeper logs.
    func record(of id: ObjectID) -> ObjectRecord?

    /// Keeps what a reply said, and decides the number of the version: the next one when the reply contradicts what is
    /// kept, else the same, completed by what the reply does not say.
    ///
    /// - Parameters:
    ///   - record: what the reply said; its number is ignored.
    ///   - previous: what memory knows, for the number where the disk cannot be written. The keeper logs that.
    /// - Returns: the record as it is kept.
    func keep(_ record: ObjectRecord, after previous: ObjectRecord?) -> ObjectRecord
}
