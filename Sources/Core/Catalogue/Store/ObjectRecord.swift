/// What is known of an object of the upstream: its length and what tells one version of its bytes from the next.
public struct ObjectRecord: Hashable, Sendable {
    /// Names the object, for example `file/491771448`; the caller's choice.
    public var id: String
    /// Length in bytes.
    public var length: Int?
    /// `ETag` as it was sent, quotes included.
    public var etag: String?
    /// `Last-Modified` as it was sent.
    public var lastModified: String?
    /// `Content-Type` as it was sent.
    public var contentType: String?
    /// Wall clock, seconds since 1970, of the reply that this is from.
    public var checkedAt: Double
    /// Grows when the bytes may have changed; the store decides it, see ``CatalogueStore/saveObject(_:)``.
    public var version: Int

    /// A record; `version` counts only in records that the store returns.
    public init(
        id: String, length: Int? = nil, etag: String? = nil, lastModified: String? = nil, contentType: String? = nil,
        checkedAt: Double, version: Int = 0
    ) {
        self.id = id
        self.length = length
        self.etag = etag
        self.lastModified = lastModified
        self.contentType = contentType
        self.checkedAt = checkedAt
        self.version = version
    }

    /// Whether `later` proves other bytes than this record. Lengths decide first, then entity tags, then dates
    /// (RFC 9110 section 13.2.2 has tags before dates), each only where both records have one. The mark of a weak tag
    /// is ignored: the same tag may be sent weak by a proxy that compresses.
    func isContradicted(by later: ObjectRecord) -> Bool {
        if let length, let other = later.length, length != other { return true }
        if let etag, let other = later.etag { return Self.opaque(etag) != Self.opaque(other) }
        if let lastModified, let other = later.lastModified { return lastModified != other }
        return false
    }

    private static func opaque(_ tag: String) -> Substring { tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...] }

    /// `later`, with what it does not say taken from this record of the same bytes.
    func completed(by later: ObjectRecord) -> ObjectRecord {
        var result = later
        result.length = later.length ?? length
        result.etag = later.etag ?? etag
        result.lastModified = later.lastModified ?? lastModified
        result.contentType = later.contentType ?? contentType
        return result
    }
}
