/// The fields of one directory.
struct TIFFDirectory: Sendable {
    let header: TIFFHeader
    private var fields: [TIFFTag: TIFFField] = [:]

    /// - Parameter entries: the bytes of all entries. Of two entries with one tag the first counts, as in libtiff.
    init(entries: ArraySlice<UInt8>, _ header: TIFFHeader) {
        self.header = header
        for start in stride(from: entries.startIndex, to: entries.endIndex, by: header.entrySize) {
            let entry = entries[start..<start + header.entrySize]
            guard let tag = TIFFTag(rawValue: UInt16(header.number(entry[start..<start + 2]))), fields[tag] == nil,
                let field = TIFFField(entry: entry, header)
            else { continue }
            fields[tag] = field
        }
    }

    /// The field of a tag, if there is one.
    subscript(tag: TIFFTag) -> TIFFField? { fields[tag] }

    /// The one number of a field; `absent` where there is no such field.
    ///
    /// - Throws: ``TIFFFault`` where the field is no single unsigned number.
    func number(_ tag: TIFFTag, absent: Int) throws(TIFFFault) -> Int {
        guard let field = fields[tag] else { return absent }
        guard let number = field.number(header) else { throw TIFFFault("tag \(tag.rawValue) is no single number") }
        return number
    }

    /// Whether the directory is a smaller copy of a page, or a mask: no page of its own (NewSubfileType bits 0 and 2,
    /// SubfileType 2).
    func isSecondary() throws(TIFFFault) -> Bool {
        let flags = try number(.newSubfileType, absent: 0)
        let kind = try number(.subfileType, absent: 1)
        return flags & 0b101 != 0 || kind == 2
    }
}
