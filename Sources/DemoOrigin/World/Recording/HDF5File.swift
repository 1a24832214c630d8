/// The contents of an HDF5 file, as far as a recording needs them.
indirect enum HDF5Node {
    /// Members in the order given; names are ASCII.
    case group([(name: String, node: HDF5Node)], attributes: [(name: String, value: HDF5Value)] = [])
    /// A small data set, stored in its own header.
    case value(HDF5Value, attributes: [(name: String, value: HDF5Value)] = [])
    /// `count` 32-bit floats in one piece. Their bytes are not part of the metadata; `index` is the number of the
    /// piece.
    case samples(index: Int, count: Int, attributes: [(name: String, value: HDF5Value)])
    /// A soft link to an absolute path of the same file.
    case link(String)
}

/// A value of an attribute or of a small data set.
enum HDF5Value {
    case text(String)
    /// A one-dimensional list; shorter texts are padded.
    case texts([String])
    case double(Double)
    case doubles([Double])
    case float(Float)
    case integer(Int)
}

/// The metadata of an HDF5 file, and the offsets of its pieces of samples.
///
/// It uses the subset of the HDF5 File Format Specification 3.0 that needs no B-tree, heap or chunk index. That is
/// superblock version 2, object headers version 2, links inside the header of their group, and contiguous or compact
/// data sets. Each object is written behind its members, so that their addresses are known when they are needed.
struct HDF5File {
    /// The bytes before the first sample.
    let head: [UInt8]
    /// The offset of each piece of samples, by its index.
    let offsets: [Int]
    /// Bytes of the whole file.
    let size: Int

    /// Bytes of a sample.
    static let sampleBytes = 4
    /// The size of superblock version 2, from its signature to its checksum.
    private static let superblockBytes = 48

    /// - Parameters:
    ///   - root: the root group.
    ///   - counts: the number of samples of each piece. The pieces follow each other behind the metadata.
    init(root: HDF5Node, counts: [Int]) {
        var relative: [Int] = []
        var length = 0
        for count in counts {
            relative.append(length)
            length += count * Self.sampleBytes
        }
        // Addresses have a fixed width, so the first draft has the final length.
        let draft = Self.metadata(root, offsets: relative, fileSize: 0)
        let start = draft.count
        offsets = relative.map { $0 + start }
        size = start + length
        head = Self.metadata(root, offsets: offsets, fileSize: size)
    }

    private static func metadata(_ root: HDF5Node, offsets: [Int], fileSize: Int) -> [UInt8] {
        var writer = HDF5Writer(offsets: offsets, start: superblockBytes)
        let rootAddress = writer.add(root)
        // Version 2, offsets and lengths of 8 bytes, no flags; base address, no extension, end of file, root group.
        var block: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A, 2, 8, 8, 0]
        block += HDF5Bytes.integer(0) + HDF5Bytes.undefined + HDF5Bytes.integer(fileSize)
        block += HDF5Bytes.integer(rootAddress)
        block += HDF5Checksum.bytes(block)
        var head = block + writer.bytes
        while head.count % 8 != 0 { head.append(0) }
        return head
    }
}

/// Appends object headers (chapter IV.A.1.b of the specification).
private struct HDF5Writer {
    let offsets: [Int]
    /// Address of the first byte of `bytes`.
    let start: Int
    private(set) var bytes: [UInt8] = []

    init(offsets: [Int], start: Int) {
        self.offsets = offsets
        self.start = start
    }

    /// Message types of chapter IV.A.2.
    private enum Message: UInt8 {
        case dataspace = 1
        case linkInfo = 2
        case datatype = 3
        case fillValue = 5
        case link = 6
        case layout = 8
        case groupInfo = 10
        case attribute = 12
    }

    /// Writes `node` and everything below it.
    /// - Returns: The address of its header; 0 for a link, which has no header.
    mutating func add(_ node: HDF5Node) -> Int {
        switch node {
        case .link: return 0
        case .group(let members, let attributes):
            var messages: [UInt8] = []
            // Version 0, no flags; no heap and no index, because every link is a message of this header.
            messages += Self.message(.linkInfo, [0, 0] + HDF5Bytes.undefined + HDF5Bytes.undefined)
            messages += Self.message(.groupInfo, [0, 0])
            for member in members { messages += Self.message(.link, link(member.name, member.node)) }
            return append(messages + Self.messages(attributes))
        case .value(let value, let attributes):
            // Layout version 3, class 0: the data itself.
            let layout = [3, 0] + HDF5Bytes.short(value.data.count) + value.data
            return append(Self.dataset(value.datatype, value.dataspace, layout) + Self.messages(attributes))
        case .samples(let index, let count, let attributes):
            // Layout version 3, class 1: address and size.
            let layout =
                [3, 1] + HDF5Bytes.integer(offsets[index]) + HDF5Bytes.integer(count * HDF5File.sampleBytes)
            let space = HDF5Value.dataspace(count: count)
            return append(Self.dataset(HDF5Value.float32, space, layout) + Self.messages(attributes))
        }
    }

    private mutating func link(_ name: String, _ node: HDF5Node) -> [UInt8] {
        let label = [UInt8(name.utf8.count)] + Array(name.utf8)
        if case .link(let path) = node {
            // Version 1, "the link type is given", type 1: soft.
            return [1, 0x08, 1] + label + HDF5Bytes.short(path.utf8.count) + Array(path.utf8)
        }
        return [1, 0] + label + HDF5Bytes.integer(add(node))
    }

    private static func dataset(_ type: [UInt8], _ space: [UInt8], _ layout: [UInt8]) -> [UInt8] {
        // Fill value version 3: space is allocated late, and filled only when a value is set. None is set.
        message(.dataspace, space) + message(.datatype, type) + message(.fillValue, [3, 0x0A])
            + message(.layout, layout)
    }

    private static func messages(_ attributes: [(name: String, value: HDF5Value)]) -> [UInt8] {
        attributes.flatMap { name, value in
            let label = Array(name.utf8) + [0]
            // Version 3, nothing shared, the name in ASCII.
            return message(
                .attribute,
                [3, 0] + HDF5Bytes.short(label.count) + HDF5Bytes.short(value.datatype.count)
                    + HDF5Bytes.short(value.dataspace.count) + [0] + label + value.datatype + value.dataspace
                    + value.data)
        }
    }

    private static func message(_ type: Message, _ body: [UInt8]) -> [UInt8] {
        [type.rawValue] + HDF5Bytes.short(body.count) + [0] + body
    }

    private mutating func append(_ messages: [UInt8]) -> Int {
        let address = start + bytes.count
        // Version 2; the length of the messages has four bytes (flag 2).
        var header = Array("OHDR".utf8) + [2, 2] + HDF5Bytes.integer(messages.count).prefix(4) + messages
        header += HDF5Checksum.bytes(header)
        bytes += header
        return address
    }
}

extension HDF5Value {
    /// IEEE 754 binary32, little end first: datatype message version 1, class 1.
    fileprivate static let float32: [UInt8] = [0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0]
    /// IEEE 754 binary64.
    private static let float64: [UInt8] = [
        0x11, 0x20, 63, 0, 8, 0, 0, 0, 0, 0, 64, 0, 52, 11, 0, 52, 0xFF, 3, 0, 0,
    ]
    /// Signed, 8 bytes, little end first: class 0.
    private static let int64: [UInt8] = [0x10, 0x08, 0, 0, 8, 0, 0, 0, 0, 0, 64, 0]

    fileprivate var datatype: [UInt8] {
        switch self {
        case .double, .doubles: Self.float64
        case .float: Self.float32
        case .integer: Self.int64
        // Class 3: a string of fixed length, padded with NUL, ASCII.
        case .text, .texts: [0x13, 1, 0, 0] + HDF5Bytes.integer(width).prefix(4)
        }
    }

    /// Version 2 of the dataspace message: a scalar, or one dimension.
    fileprivate var dataspace: [UInt8] {
        switch self {
        case .text, .double, .float, .integer: [2, 0, 0, 0]
        case .texts(let texts): Self.dataspace(count: texts.count)
        case .doubles(let values): Self.dataspace(count: values.count)
        }
    }

    fileprivate static func dataspace(count: Int) -> [UInt8] { [2, 1, 0, 1] + HDF5Bytes.integer(count) }

    fileprivate var data: [UInt8] {
        switch self {
        case .text(let text): Self.padded(text, to: width)
        case .texts(let texts): texts.flatMap { Self.padded($0, to: width) }
        case .double(let value): HDF5Bytes.little(value.bitPattern)
        case .doubles(let values): values.flatMap { HDF5Bytes.little($0.bitPattern) }
        case .float(let value): HDF5Bytes.little(value.bitPattern)
        case .integer(let value): HDF5Bytes.integer(value)
        }
    }

    /// The bytes of one text, at least one: HDF5 has no empty texts.
    private var width: Int {
        switch self {
        case .text(let text): max(1, text.utf8.count)
        case .texts(let texts): max(1, texts.map(\.utf8.count).max() ?? 1)
        case .double, .doubles, .float, .integer: 0
        }
    }

    private static func padded(_ text: String, to width: Int) -> [UInt8] {
        Array(text.utf8) + [UInt8](repeating: 0, count: width - text.utf8.count)
    }
}

/// Numbers in the form of the HDF5 files that this writer makes.
private enum HDF5Bytes {
    /// The address that means "none".
    static let undefined = little(UInt64.max)

    static func integer(_ value: Int) -> [UInt8] { little(UInt64(bitPattern: Int64(value))) }

    static func short(_ value: Int) -> [UInt8] { little(UInt16(value)) }

    static func little(_ value: some FixedWidthInteger) -> [UInt8] {
        (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
}
