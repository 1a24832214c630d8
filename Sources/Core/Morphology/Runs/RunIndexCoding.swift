import Support

/// Why stored bytes are not an index. A cache treats every case as a miss.
public enum RunIndexCodingError: Error, Hashable, CustomStringConvertible {
    /// Not this format, or another version of it.
    case format
    /// The length does not follow from the header.
    case length(expected: Int, found: Int)
    /// The CRC-32C does not match: the bytes were damaged.
    case checksum
    /// Offsets or runs are out of order or outside the grid although the checksum holds. The string says which.
    case content(String)

    /// One sentence for a person.
    public var description: String {
        switch self {
        case .format: "not a run index of version \(RunIndexFormat.version)"
        case .length(let expected, let found): "\(found) bytes where \(expected) were expected"
        case .checksum: "the checksum does not match"
        case .content(let what): "the index contradicts itself: \(what)"
        }
    }
}

/// The stored form: little-endian 64-bit fields, so that any machine reads it.
///
///       0  "NFSRUNS" and the version byte
///       8  width, height, depth, bytes a voxel
///      40  spacing x, y, z and origin x, y, z, the bits of Doubles
///      88  number of runs
///      96  depth + 1 plane starts, 32 bits each
///       .  the runs, 64 bits each (`PackedRun`)
///       .  CRC-32C of everything before it, 32 bits
enum RunIndexFormat {
    static let version: UInt8 = 1
    static let header = 96
    static let magic: [UInt8] = Array("NFSRUNS".utf8) + [version]

    static func size(depth: Int, runs: Int) -> Int { header + 4 * (depth + 1) + 8 * runs + 4 }
}

extension RunIndex {
    /// The index as bytes, to be kept on disk; `init(decoding:)` reads them.
    public func encoded() -> [UInt8] {
        let size = RunIndexFormat.size(depth: grid.depth, runs: words.count)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        bytes.append(contentsOf: RunIndexFormat.magic)
        for side in [grid.width, grid.height, grid.depth, bytesPerVoxel] { Self.append(UInt64(side), to: &bytes) }
        let lengths = [grid.spacingX, grid.spacingY, grid.spacingZ, grid.originX, grid.originY, grid.originZ]
        for length in lengths { Self.append(length.bitPattern, to: &bytes) }
        Self.append(UInt64(words.count), to: &bytes)
        Self.append(all: starts.map(\.littleEndian), to: &bytes)
        Self.append(all: words.map(\.littleEndian), to: &bytes)
        Self.append(all: [CRC32C.checksum(bytes).littleEndian], to: &bytes)
        return bytes
    }

    /// Reads what `encoded()` wrote and checks all of it: no stored byte can make a later paint write outside its
    /// buffer.
    /// - Throws: `RunIndexCodingError`.
    public convenience init(decoding bytes: [UInt8]) throws(RunIndexCodingError) {
        let format = RunIndexFormat.self
        guard bytes.count >= format.header + 8, bytes.prefix(8).elementsEqual(format.magic) else { throw .format }
        let fields = (0..<11).map { field in Self.word(bytes, at: 8 + 8 * field) }
        let sides = fields.prefix(4).map { field in Int(truncatingIfNeeded: min(field, 1 << 32)) }
        let lengths = fields[4..<10].map(Double.init(bitPattern:))
        let grid = VoxelGrid(
            width: sides[0], height: sides[1], depth: sides[2], spacingX: lengths[0], spacingY: lengths[1],
            spacingZ: lengths[2], originX: lengths[3], originY: lengths[4], originZ: lengths[5])
        let runs = Int(truncatingIfNeeded: min(fields[10], UInt64(UInt32.max)))
        let size = format.size(depth: grid.depth, runs: runs)
        guard bytes.count == size else { throw .length(expected: size, found: bytes.count) }
        let stored = UInt32(truncatingIfNeeded: Self.word(bytes, at: size - 8) >> 32)
        let computed = unsafe CRC32C.checksum(bytes.span.bytes.extracting(first: size - 4))
        guard stored == computed else { throw .checksum }
        do throws(LabelError) { try grid.validate() } catch { throw .content(error.description) }
        guard sides[3] == 1 || sides[3] == 2 else { throw .content("\(sides[3]) bytes a voxel") }

        let starts: [UInt32] = Self.elements(bytes, at: format.header, count: grid.depth + 1).map(
            UInt32.init(littleEndian:))
        let words: [UInt64] = Self.elements(bytes, at: format.header + 4 * starts.count, count: runs)
            .map(UInt64.init(littleEndian:))
        if let fault = Self.fault(grid: grid, wide: sides[3] == 2, words: words, starts: starts) {
            throw .content(fault)
        }
        self.init(grid: grid, bytesPerVoxel: sides[3], words: words, starts: starts)
    }

    /// The first contradiction in an index.
    private static func fault(grid: VoxelGrid, wide: Bool, words: [UInt64], starts: [UInt32]) -> String? {
        guard starts.first == 0, starts.last.map(Int.init) == words.count else { return "plane table" }
        for plane in 0..<grid.depth {
            guard starts[plane] <= starts[plane + 1], starts[plane + 1] <= words.count else {
                return "plane \(plane) ends at run \(starts[plane + 1])"
            }
            var previousRow = -1
            var previousLast = -1
            for word in words[Int(starts[plane])..<Int(starts[plane + 1])] {
                let row = PackedRun.row(word)
                let first = PackedRun.first(word)
                let last = PackedRun.last(word)
                guard row < grid.height, first <= last, last < grid.width else { return "a run outside plane \(plane)" }
                guard row > previousRow || (row == previousRow && first > previousLast) else {
                    return "runs of plane \(plane) out of order"
                }
                guard PackedRun.value(word) != 0, wide || PackedRun.value(word) <= 255 else {
                    return "a value on plane \(plane)"
                }
                previousRow = row
                previousLast = last
            }
        }
        return nil
    }

    private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        append(all: [value.littleEndian], to: &bytes)
    }

    private static func append<Element: BitwiseCopyable>(all elements: [Element], to bytes: inout [UInt8]) {
        unsafe elements.withUnsafeBytes { raw in unsafe bytes.append(contentsOf: raw) }
    }

    private static func word(_ bytes: [UInt8], at offset: Int) -> UInt64 {
        unsafe bytes.withUnsafeBytes { raw in
            unsafe UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
    }

    /// `count` elements copied from `offset`, whose alignment does not matter.
    private static func elements<Element: BitwiseCopyable & FixedWidthInteger>(
        _ bytes: [UInt8], at offset: Int, count: Int
    ) -> [Element] {
        unsafe [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
            unsafe bytes.withUnsafeBytes { raw in
                let size = count * MemoryLayout<Element>.size
                unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: raw[offset..<(offset + size)]))
            }
            initialized = count
        }
    }
}
