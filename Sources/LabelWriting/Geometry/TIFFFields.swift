import Glibc
import Support

/// The fields of a TIFF's first directory that say what its voxels are. Classic TIFF and BigTIFF, either byte order (TIFF
/// 6.0, section 2; <https://libtiff.gitlab.io/libtiff/specification/bigtiff.html>). No pixel is read. Offsets,
/// counts and chains of directories are bounded, because the file may be hostile.
struct TIFFFields: ~Copyable {
    /// Columns, 1 or more.
    private(set) var width = 0
    /// Rows, 1 or more.
    private(set) var height = 0
    /// ImageDescription, "" without one.
    private(set) var description = ""
    /// Voxels a unit, 0 where the file does not say.
    private(set) var xResolution = 0.0
    private(set) var yResolution = 0.0
    /// 1 none, 2 inch (the default), 3 centimetre.
    private(set) var resolutionUnit = 2

    private let path: String
    private let descriptor: Int32
    private var isBigEndian = false
    private var isBig = false
    private var firstDirectory = 0

    /// Longest description read: OME-XML of some 100,000 planes.
    private static let longestDescription = 64 << 20
    private static let mostFields = 4096
    private static let mostDirectories = 1 << 20

    /// A field: its tag, type, number of values, and where its value or the value's offset stands.
    private struct Field {
        var tag, type, count, place: Int
    }

    /// The fields of the file at `path`.
    /// - Throws: a request error for a file that cannot be read or is no TIFF.
    static func read(_ path: String) throws(LabelWritingError) -> TIFFFields {
        var file = try TIFFFields(opening: path)
        try file.readHeader()
        try file.readFields()
        return file
    }

    private init(opening path: String) throws(LabelWritingError) {
        self.path = path
        do throws(Errno) {
            descriptor = try openFile(path, flags: O_RDONLY | O_NONBLOCK)
        } catch {
            throw .cannotRead(path, error)
        }
    }

    deinit { close(descriptor) }

    private func fault(_ reason: String) -> LabelWritingError {
        .request("\(path) is no TIFF that can be read: \(reason)")
    }

    private mutating func readHeader() throws(LabelWritingError) {
        let head = try bytes(at: 0, count: 4)
        guard head[0] == head[1], head[0] == UInt8(ascii: "I") || head[0] == UInt8(ascii: "M") else {
            throw fault("it does not begin as one")
        }
        isBigEndian = head[0] == UInt8(ascii: "M")
        switch try number(at: 2, bytes: 2) {
        case 42: firstDirectory = try number(at: 4, bytes: 4)
        case 43:
            isBig = true
            firstDirectory = try number(at: 8, bytes: 8)
        default: throw fault("it does not begin as one")
        }
    }

    private mutating func readFields() throws(LabelWritingError) {
        let (fields, _) = try directory(at: firstDirectory)
        for field in fields {
            switch field.tag {
            case 256: width = try whole(field)
            case 257: height = try whole(field)
            case 270: description = try text(field)
            case 282: xResolution = try rational(field)
            case 283: yResolution = try rational(field)
            case 296: resolutionUnit = try whole(field)
            default: break
            }
        }
        guard width > 0, height > 0 else { throw fault("its first directory has no size") }
    }

    /// Directories of the size of the first that are no reduced copies (NewSubfileType bit 0).
    func countPlanes() throws(LabelWritingError) -> Int {
        var count = 0
        var seen: Set<Int> = []
        var offset = firstDirectory
        while offset != 0 {
            guard seen.insert(offset).inserted else { throw fault("its directories form a circle") }
            guard seen.count <= Self.mostDirectories else {
                throw fault("more than \(Self.mostDirectories) directories")
            }
            let (fields, next) = try directory(at: offset)
            func value(_ tag: Int) throws(LabelWritingError) -> Int? {
                try fields.first { $0.tag == tag }.map { field throws(LabelWritingError) in try whole(field) }
            }
            if try value(256) == width, try value(257) == height, try (value(254) ?? 0) & 1 == 0 { count += 1 }
            offset = next
        }
        return count
    }

    private func directory(at offset: Int) throws(LabelWritingError) -> (fields: [Field], next: Int) {
        let (countBytes, fieldBytes, offsetBytes) = isBig ? (8, 20, 8) : (2, 12, 4)
        let count = try number(at: offset, bytes: countBytes)
        guard count <= Self.mostFields else { throw fault("\(count) fields in a directory") }
        let start = offset + countBytes
        let raw = try bytes(at: start, count: count * fieldBytes + offsetBytes)
        let fields = (0..<count).map { index in
            let at = index * fieldBytes
            return Field(
                tag: number(raw, at, 2), type: number(raw, at + 2, 2), count: number(raw, at + 4, offsetBytes),
                place: start + at + 4 + offsetBytes)
        }
        return (fields, number(raw, count * fieldBytes, offsetBytes))
    }

    /// Where the values of a field of `bytes` bytes stand.
    private func values(_ field: Field, bytes: Int) throws(LabelWritingError) -> Int {
        let inline = isBig ? 8 : 4
        return bytes <= inline ? field.place : try number(at: field.place, bytes: inline)
    }

    private func whole(_ field: Field) throws(LabelWritingError) -> Int {
        let size: Int
        switch field.type {
        case 3: size = 2
        case 4: size = 4
        case 16: size = 8
        default: throw fault("field \(field.tag) is no whole number")
        }
        return try number(at: try values(field, bytes: size), bytes: size)
    }

    private func rational(_ field: Field) throws(LabelWritingError) -> Double {
        guard field.type == 5 else { throw fault("field \(field.tag) is no fraction") }
        let place = try values(field, bytes: 8)
        let denominator = try number(at: place + 4, bytes: 4)
        return denominator == 0 ? 0 : Double(try number(at: place, bytes: 4)) / Double(denominator)
    }

    private func text(_ field: Field) throws(LabelWritingError) -> String {
        guard field.type == 2, field.count <= Self.longestDescription else {
            throw fault("a description that is no text or longer than \(Self.longestDescription >> 20) MiB")
        }
        let raw = try bytes(at: try values(field, bytes: field.count), count: field.count)
        return String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
    }

    private func number(at offset: Int, bytes count: Int) throws(LabelWritingError) -> Int {
        number(try bytes(at: offset, count: count), 0, count)
    }

    /// An unsigned number; one beyond `Int` becomes `Int.max`, which no offset or count can be.
    private func number(_ raw: [UInt8], _ at: Int, _ count: Int) -> Int {
        var value: UInt64 = 0
        for index in 0..<count { value = value << 8 | UInt64(raw[isBigEndian ? at + index : at + count - 1 - index]) }
        return Int(clamping: value)
    }

    private func bytes(at offset: Int, count: Int) throws(LabelWritingError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let (place, overflow) = offset.addingReportingOverflow(done)
            guard !overflow else { throw fault("an offset beyond the file") }
            let got = unsafe buffer.withUnsafeMutableBytes { raw in
                unsafe pread(descriptor, raw.baseAddress.map { unsafe $0 + done }, count - done, place)
            }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw .cannotRead(path, Errno.current) }
            guard got > 0 else { throw fault("it ends before what it promises") }
            done += got
        }
        return buffer
    }
}
