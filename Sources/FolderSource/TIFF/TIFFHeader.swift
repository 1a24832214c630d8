/// What the first bytes of a TIFF say: its byte order, and whether it is classic TIFF (TIFF 6.0) or BigTIFF.
///
///     classic:  "II" or "MM", 42, first directory (4 bytes)
///     BigTIFF:  "II" or "MM", 43, 8, 0, first directory (8 bytes)
struct TIFFHeader: Hashable, Sendable {
    let isBigEndian: Bool
    let isBig: Bool
    /// Where the first directory begins.
    let firstDirectory: Int

    /// Bytes of a header of classic TIFF.
    static let shortest = 8
    /// Bytes of a header of BigTIFF.
    static let longest = 16

    /// - Parameter bytes: the first ``longest`` bytes of the file, or all where it has fewer.
    /// - Throws: ``TIFFFault`` where they are no header.
    init(_ bytes: ArraySlice<UInt8>) throws(TIFFFault) {
        let start = Array(bytes)
        guard start.count >= Self.shortest, start[0] == start[1], start[0] == 0x49 || start[0] == 0x4D else {
            throw TIFFFault("the file does not begin as a TIFF")
        }
        isBigEndian = start[0] == 0x4D
        let number = { [isBigEndian] (place: Int, size: Int) in
            Self.number(start[place..<place + size], isBigEndian: isBigEndian)
        }
        switch number(2, 2) {
        case 42:
            isBig = false
            firstDirectory = number(4, 4)
        case 43 where start.count >= Self.longest && number(4, 2) == 8 && number(6, 2) == 0:
            isBig = true
            firstDirectory = number(8, 8)
        default:
            throw TIFFFault("the file does not begin as a TIFF")
        }
    }

    /// Bytes of an offset, and of the value that an entry has room for.
    var offsetSize: Int { isBig ? 8 : 4 }
    /// Bytes of the number of entries.
    var countSize: Int { isBig ? 8 : 2 }
    /// Bytes of an entry: tag, type, count, value.
    var entrySize: Int { isBig ? 20 : 12 }

    /// The unsigned number that `bytes` are, at most 8. A number above `Int.max` is `Int.max`, which no file reaches.
    func number(_ bytes: ArraySlice<UInt8>) -> Int { Self.number(bytes, isBigEndian: isBigEndian) }

    private static func number(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool) -> Int {
        var value: UInt64 = 0
        if isBigEndian {
            for byte in bytes { value = value << 8 | UInt64(byte) }
        } else {
            for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
        }
        return Int(clamping: value)
    }
}
