import Specimens
import Support

/// Where the strips or tiles of a page lie in the file.
struct TIFFSegmentTable: Sendable {
    private let offsets: [Int]
    /// Empty where the file does not say it, which only uncompressed pages may do.
    private let byteCounts: [Int]
    /// The JPEG tables that all segments share; empty where there are none.
    let jpegTables: [UInt8]
    private let displacement: Int
    private let fileLength: Int

    /// The most bytes of JPEG tables. 4 quantisation and 8 Huffman tables of full length have 4 kB.
    private static let longestTables = 65536

    /// Reads the table of a page. Most pages of one strip need no read.
    static func read(
        _ page: TIFFPage, of source: any ByteSource, token: CancellationToken
    ) -> Promise<TIFFSegmentTable, TIFFError> {
        let fields = [(page.offsets, Int.max), (page.byteCounts, .max), (page.jpegTables, longestTables)]
        return Promise.all(
            fields.map { field, limit in
                field?.bytes(limit: limit, of: source, token: token) ?? Promise(.success([]))
            }
        ).flatMap { parts in
            do throws(TIFFFault) {
                return Promise(.success(try TIFFSegmentTable(page, parts, fileLength: source.length)))
            } catch {
                return Promise(.failure(.fault(error)))
            }
        }
    }

    private init(_ page: TIFFPage, _ parts: [[UInt8]], fileLength: Int) throws(TIFFFault) {
        offsets = try page.offsets.numbers(parts[0], page.header)
        byteCounts = try page.byteCounts?.numbers(parts[1], page.header) ?? []
        jpegTables = parts[2]
        displacement = page.displacement
        self.fileLength = fileLength
    }

    /// Bytes in memory, about.
    var cost: Int { (offsets.count + byteCounts.count) * MemoryLayout<Int>.stride + jpegTables.count }

    /// Where the bytes of one part of `patch` lie.
    ///
    /// - Throws: ``TIFFFault`` where they are not in the file, or too few.
    func range(of part: TIFFPatch.Part, _ patch: TIFFPatch, _ page: TIFFPage) throws(TIFFFault) -> Range<Int> {
        let name = patch.name(of: part.segment)
        guard offsets.indices.contains(part.segment) else { throw TIFFFault("\(name) has no offset") }
        let start = offsets[part.segment]
        let wanted = part.rows * patch.rowSize
        let offset: Int
        let count: Int
        if page.compression == .none {
            // The sizes follow from the geometry. Some writers give others, as for the last strip.
            (offset, count) = (part.skipped + displacement, wanted)
        } else {
            guard byteCounts.indices.contains(part.segment) else { throw TIFFFault("\(name) has no byte count") }
            (offset, count) = (0, byteCounts[part.segment])
            // No compression needs fewer than 2 bytes, and libtiff looks at 2 without asking.
            guard count >= 2, wanted / page.compression.mostExpansion <= count else {
                throw TIFFFault("\(name) has \(count) bytes, too few for \(wanted) decoded ones")
            }
        }
        guard start > 0, start <= fileLength, offset + count <= fileLength - start else {
            throw TIFFFault("\(name) of \(count) bytes at \(start) is not in the file of \(fileLength)")
        }
        return start + offset..<start + offset + count
    }

    /// The reads that bring all of `patch`, in the order of its parts. Parts that follow each other in the file are one
    /// read.
    ///
    /// - Throws: ``TIFFFault`` as ``range(of:_:_:)``, and where the file claims far more bytes than the pixels need.
    func reads(of patch: TIFFPatch, _ page: TIFFPage) throws(TIFFFault) -> [TIFFPatchRead] {
        var reads: [TIFFPatchRead] = []
        var total = 0
        for part in patch.parts {
            let range = try range(of: part, patch, page)
            total += range.count
            // Noise grows by half under LZW. A small strip of JPEG has a header of some hundred bytes.
            guard total <= 4 * patch.size + 1 << 20 else {
                throw TIFFFault("\(patch.name(of: part.segment)) has too many bytes for \(patch.size) decoded ones")
            }
            if reads.last?.range.upperBound == range.lowerBound {
                reads[reads.count - 1].append(part, range)
            } else {
                reads.append(TIFFPatchRead(part, range))
            }
        }
        return reads
    }
}

/// One read of the file, and the segments that it brings.
struct TIFFPatchRead: Sendable {
    private(set) var range: Range<Int>
    /// The segments, each with its place in the bytes of the read.
    private(set) var parts: [(part: TIFFPatch.Part, bytes: Range<Int>)]

    init(_ part: TIFFPatch.Part, _ range: Range<Int>) {
        self.range = range
        parts = [(part, 0..<range.count)]
    }

    /// Adds a part that begins where the read ends.
    mutating func append(_ part: TIFFPatch.Part, _ range: Range<Int>) {
        let start = self.range.count
        self.range = self.range.lowerBound..<range.upperBound
        parts.append((part, start..<start + range.count))
    }
}
