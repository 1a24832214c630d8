internal import GRDB
internal import Specimens
internal import Support
internal import Transport

/// A row of the table of objects.
struct ObjectRow: Equatable {
    /// The text of the ``ObjectID``.
    var id: String
    var length: Int?
    /// `ETag` as the server sent it, quotes included.
    var etag: String?
    /// `Last-Modified` as the server sent it.
    var lastModified: String?
    /// `Content-Type` as the server sent it.
    var contentType: String?
    var checkedAt: Double
    var version: Int

    /// The row of a record, as ``version`` of its object.
    init(_ record: ObjectRecord, version: Int = 0) {
        id = record.id.description
        length = record.length
        etag = record.tag
        lastModified = record.date
        contentType = record.contentType
        checkedAt = record.checkedAt
        self.version = version
    }

    /// The columns that ``init(_:id:)`` takes, at the beginning of the row.
    static let columns = "length, etag, last_modified, content_type, checked_at, version"

    /// Nil when there is something that cannot be.
    init?(_ row: Row, id: String) {
        guard let time = row.double(4), let version = row.int(5) else { return nil }
        self.id = id
        length = row.int(0)
        etag = row.text(1)
        lastModified = row.text(2)
        contentType = row.text(3)
        checkedAt = time
        self.version = version
    }

    var checksum: Int {
        func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
        return RowChecksum.of([
            .string(id), length.map { .int($0) } ?? .null, text(etag), text(lastModified), text(contentType),
            RowChecksum.bits(checkedAt), .int(version),
        ])
    }

    /// The record that the row is of.
    func record(of id: ObjectID) -> ObjectRecord {
        ObjectRecord(
            id: id, length: length, tag: etag, date: lastModified,
            modified: lastModified.flatMap(HTTPDate.parse).map(Double.init), contentType: contentType,
            checkedAt: checkedAt, number: version)
    }

    /// The row that follows this one when a reply says `later`: the next version where `later` proves other bytes, else this
    /// version, completed by what `later` does not say.
    func followed(by later: ObjectRow) -> ObjectRow {
        var result = later
        guard !isContradicted(by: later) else {
            result.version = version + 1
            return result
        }
        result.version = version
        result.length = later.length ?? length
        result.etag = later.etag ?? etag
        result.lastModified = later.lastModified ?? lastModified
        result.contentType = later.contentType ?? contentType
        return result
    }

    /// Whether `later` proves other bytes than this row. Lengths decide first, then entity tags, then dates
    /// (RFC 9110 section 13.2.2 has tags before dates), each only where both rows have one. The mark of a weak tag
    /// is ignored: the same tag may be sent weak by a proxy that compresses.
    private func isContradicted(by later: ObjectRow) -> Bool {
        if let length, let other = later.length, length != other { return true }
        if let etag, let other = later.etag { return Self.opaque(etag) != Self.opaque(other) }
        if let lastModified, let other = later.lastModified { return lastModified != other }
        return false
    }

    private static func opaque(_ tag: String) -> Substring { tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...] }
}
