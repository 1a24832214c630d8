/// A reader of exactly the TIFF files that this project writes, written from the specifications and not from the
/// writer. It reads little-endian files, classic (TIFF 6.0) or BigTIFF, with fields by tag. It ends the process on
/// every fault of the file.
struct TIFFReader {
    /// The numbers of a field; the bytes of a text.
    typealias Fields = [Int: [Int]]

    let bytes: [UInt8]
    let isBig: Bool
    /// The length of the file; `bytes` may hold only its head.
    let fileSize: Int

    init(_ bytes: [UInt8], fileSize: Int) {
        self.bytes = bytes
        self.fileSize = fileSize
        require(bytes.count >= 16 && bytes[0] == 0x49 && bytes[1] == 0x49, "a TIFF begins with II")
        isBig = bytes[2] == 43
        require(bytes[3] == 0 && (isBig || bytes[2] == 42), "the version is 42 or 43")
        if isBig { require(number(4, 2) == 8 && number(6, 2) == 0, "BigTIFF has offsets of 8 bytes") }
    }

    /// All directories in order.
    func directories() -> [Fields] {
        var directories: [Fields] = []
        var offset = isBig ? number(8, 8) : number(4, 4)
        while offset != 0 {
            let (fields, next) = directory(at: offset)
            directories.append(fields)
            require(next == 0 || next > offset, "directories ascend")
            offset = next
        }
        return directories
    }

    private func directory(at offset: Int) -> (Fields, next: Int) {
        let (countSize, entrySize) = isBig ? (8, 20) : (2, 12)
        let count = number(offset, countSize)
        var fields: Fields = [:]
        var last = 0
        for entry in 0..<count {
            let (tag, values) = field(at: offset + countSize + entry * entrySize)
            require(tag > last, "tags ascend")
            last = tag
            fields[tag] = values
        }
        return (fields, number(offset + countSize + count * entrySize, isBig ? 8 : 4))
    }

    private func field(at entry: Int) -> (tag: Int, values: [Int]) {
        let sizes = [2: 1, 3: 2, 4: 4, 5: 4, 16: 8]
        let (tag, type) = (number(entry, 2), number(entry + 2, 2))
        guard let size = sizes[type] else {
            require(false, "type \(type) of tag \(tag) is known")
            return (tag, [])
        }
        // A RATIONAL is two numbers.
        let count = number(entry + 4, isBig ? 8 : 4) * (type == 5 ? 2 : 1)
        let place = entry + (isBig ? 12 : 8)
        let capacity = isBig ? 8 : 4
        let start = count * size <= capacity ? place : number(place, capacity)
        require(start % 2 == 0 || count * size <= capacity, "values lie at even offsets")
        return (tag, (0..<count).map { number(start + $0 * size, size) })
    }

    private func number(_ offset: Int, _ size: Int) -> Int {
        require(
            offset >= 0 && offset <= bytes.count - size,
            "\(size) bytes at \(offset) lie in the \(bytes.count) there are")
        var value: UInt64 = 0
        for index in (0..<size).reversed() { value = value << 8 | UInt64(bytes[offset + index]) }
        require(value <= UInt64(Int.max), "a number is not negative")
        return Int(value)
    }
}
