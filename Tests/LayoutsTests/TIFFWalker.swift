import Testing

/// Reads TIFF and BigTIFF structure from the specifications alone, sharing no code with the library: the first oracle.
struct TIFFWalker {
    struct Field {
        let type: Int
        let values: [UInt64]
        /// The bytes of the values as stored.
        let bytes: [UInt8]
        var text: String { String(decoding: bytes.dropLast(), as: UTF8.self) }
    }

    struct Malformed: Error { let what: String }

    let isBig: Bool
    private(set) var directories: [[Int: Field]] = []
    /// Every byte range that the structure uses: header, directories, values. To check that none overlap.
    private(set) var extents: [Range<Int>] = []

    /// - Parameter read: The bytes of a range of the file.
    init(read: (Range<Int>) -> [UInt8]) throws {
        func number(_ offset: Int, _ size: Int) -> Int {
            read(offset..<(offset + size)).reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        guard read(0..<2) == Array("II".utf8) else { throw Malformed(what: "byte order") }
        isBig = number(2, 2) == 43
        guard isBig || number(2, 2) == 42 else { throw Malformed(what: "version") }
        if isBig, number(4, 2) != 8 || number(6, 2) != 0 { throw Malformed(what: "offset size") }
        let word = isBig ? 8 : 4
        extents.append(0..<(isBig ? 16 : 8))
        var next = number(isBig ? 8 : 4, word)
        while next != 0 {
            guard next % 2 == 0 else { throw Malformed(what: "odd directory offset") }
            let countSize = isBig ? 8 : 2
            let count = number(next, countSize)
            let entrySize = 4 + 2 * word
            let table = next..<(next + countSize + count * entrySize + word)
            extents.append(table)
            var directory: [Int: Field] = [:]
            var lastTag = -1
            for index in 0..<count {
                let entry = next + countSize + index * entrySize
                let tag = number(entry, 2)
                guard tag > lastTag else { throw Malformed(what: "tags not ascending") }
                lastTag = tag
                let type = number(entry + 2, 2)
                guard let (size, parts) = [2: (1, 1), 3: (2, 1), 4: (4, 1), 5: (4, 2), 16: (8, 1)][type] else {
                    throw Malformed(what: "type \(type)")
                }
                let values = number(entry + 4, word)
                let bytes = size * parts * values
                var location = entry + 4 + word
                if bytes > word {
                    location = number(location, word)
                    guard location % 2 == 0 else { throw Malformed(what: "odd value offset") }
                    extents.append(location..<(location + bytes))
                }
                let stored = read(location..<(location + bytes))
                directory[tag] = Field(
                    type: type,
                    values: stride(from: 0, to: bytes, by: size).map { first in
                        stored[first..<(first + size)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
                    }, bytes: stored)
            }
            directories.append(directory)
            next = number(table.upperBound - word, word)
        }
    }

    /// Whether two parts of the structure share a byte (TIFF 6.0, section 7 forbids it).
    var hasOverlap: Bool {
        let sorted = extents.sorted { $0.lowerBound < $1.lowerBound }
        return zip(sorted, sorted.dropFirst()).contains { $0.upperBound > $1.lowerBound }
    }
}

/// The values that a directory without its strips must have, by tag.
func expectedScalars(
    width: Int, height: Int, bits: Int, resolution: [UInt64], compression: UInt64 = 1
) -> [Int: [UInt64]] {
    [
        256: [UInt64(width)], 257: [UInt64(height)], 258: [UInt64(bits)], 259: [compression], 262: [1], 277: [1],
        278: [64], 282: resolution, 283: resolution, 296: [3], 339: [1],
    ]
}
