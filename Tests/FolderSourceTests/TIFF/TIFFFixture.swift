import CTIFF
import Glibc

@testable import FolderSource

/// A TIFF that libtiff writes, and its pixels.
struct TIFFFixture: Sendable, CustomStringConvertible {
    struct Page: Sendable {
        var width = 45
        var height = 37
        /// Row by row; 16-bit samples in little-endian order.
        var pixels: [UInt8] = []
    }

    /// libtiff's mode: "l" or "b" for the byte order, "8" for BigTIFF.
    var mode = "l"
    var bits = 8
    var compression = TIFFCompression.none
    var predictor = 1
    var fillOrder = 1
    var photometric = 1
    var rowsPerStrip = 10
    /// Sides of the tiles; nil for strips.
    var tile: (width: Int, height: Int)?
    var pages = [Page()]
    var texts: [UInt32: String] = [:]
    var floats: [UInt32: Double] = [:]
    var numbers: [UInt32: UInt32] = [:]

    var description: String {
        "\(mode), \(bits) bits, \(compression), predictor \(predictor), fill order \(fillOrder), "
            + (tile.map { "tiles of \($0.width) x \($0.height)" } ?? "strips of \(rowsPerStrip)")
    }

    /// Fills the pages with a picture of slopes, edges and noise.
    mutating func paint() {
        for (number, page) in pages.enumerated() {
            var pixels: [UInt8] = []
            for y in 0..<page.height {
                for x in 0..<page.width {
                    let noise = ((x &* 73_856_093) ^ (y &* 19_349_663) ^ number) & 7
                    let value = (x / 9 + y / 7) % 2 == 0 ? x * 700 + noise : y * 901 + number * 4096 + noise
                    if bits == 8 {
                        pixels.append(UInt8(truncatingIfNeeded: value >> 4))
                    } else {
                        pixels.append(UInt8(truncatingIfNeeded: value))
                        pixels.append(UInt8(truncatingIfNeeded: value >> 8))
                    }
                }
            }
            pages[number].pixels = pixels
        }
    }

    struct WriterFailed: Error {}

    /// The file. The pixels of the pages become what libtiff reads from it, which differs for JPEG alone.
    mutating func written() throws -> [UInt8] {
        var name = Array("/tmp/neuronfs-tiff-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        guard descriptor >= 0 else { throw WriterFailed() }
        close(descriptor)
        let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { unlink(path) }
        // It would write to stderr that another number than 32946 is better for Deflate.
        TIFFSetWarningHandler(nil)
        guard let handle = TIFFOpen(path, "w" + mode) else { throw WriterFailed() }
        for page in pages { try write(page, handle) }
        TIFFClose(handle)
        if compression == .jpeg { try readBack(path) }
        return try bytes(path)
    }

    private func write(_ page: Page, _ handle: OpaquePointer) throws {
        let tags: [UInt32: Int] = [
            256: page.width, 257: page.height, 258: bits, 259: compression.rawValue, 262: photometric,
            266: fillOrder, 277: 1, 284: 1,
        ]
        // libtiff knows the tags of a codec only once there is the codec.
        for (tag, value) in tags.sorted(by: { $0.key < $1.key }) {
            guard shim_tiff_set_number(handle, tag, UInt32(value)) == 1 else { throw WriterFailed() }
        }
        if compression.hasPredictor { shim_tiff_set_number(handle, 317, UInt32(predictor)) }
        if compression == .jpeg { shim_tiff_set_number(handle, UInt32(TIFFTAG_JPEGQUALITY), 90) }
        for (tag, text) in texts { shim_tiff_set_string(handle, tag, text) }
        for (tag, number) in floats { shim_tiff_set_float(handle, tag, number) }
        for (tag, number) in numbers { shim_tiff_set_number(handle, tag, number) }
        if let tile {
            shim_tiff_set_number(handle, 322, UInt32(tile.width))
            shim_tiff_set_number(handle, 323, UInt32(tile.height))
        } else {
            shim_tiff_set_number(handle, 278, UInt32(rowsPerStrip))
        }
        for (index, segment) in segments(of: page).enumerated() {
            var segment = segment
            let count = tmsize_t(segment.count)
            let status =
                tile == nil
                ? TIFFWriteEncodedStrip(handle, UInt32(index), &segment, count)
                : TIFFWriteEncodedTile(handle, UInt32(index), &segment, count)
            guard status == count else { throw WriterFailed() }
        }
        guard TIFFWriteDirectory(handle) == 1 else { throw WriterFailed() }
    }

    /// The pixels of each strip or tile; a tile over the edge ends in bytes that are no pixels.
    private func segments(of page: Page) -> [[UInt8]] {
        let sample = bits / 8
        let row = page.width * sample
        guard let tile else {
            return stride(from: 0, to: page.height, by: rowsPerStrip).map {
                Array(page.pixels[$0 * row..<min($0 + rowsPerStrip, page.height) * row])
            }
        }
        var segments: [[UInt8]] = []
        for top in stride(from: 0, to: page.height, by: tile.height) {
            for left in stride(from: 0, to: page.width, by: tile.width) {
                var segment = [UInt8](repeating: 0xAA, count: tile.width * tile.height * sample)
                for y in top..<min(top + tile.height, page.height) {
                    let source = y * row + left * sample
                    let count = min(tile.width, page.width - left) * sample
                    let target = (y - top) * tile.width * sample
                    segment.replaceSubrange(target..<target + count, with: page.pixels[source..<source + count])
                }
                segments.append(segment)
            }
        }
        return segments
    }

    private mutating func readBack(_ path: String) throws {
        guard let handle = TIFFOpen(path, "r") else { throw WriterFailed() }
        defer { TIFFClose(handle) }
        for (number, page) in pages.enumerated() {
            guard TIFFSetDirectory(handle, UInt32(number)) == 1 else { throw WriterFailed() }
            var pixels = page.pixels
            let (width, height) = (tile?.width ?? page.width, tile?.height ?? rowsPerStrip)
            var segment = [UInt8](repeating: 0, count: width * height)
            var index: UInt32 = 0
            for top in stride(from: 0, to: page.height, by: height) {
                for left in stride(from: 0, to: page.width, by: width) {
                    let count =
                        tile == nil
                        ? TIFFReadEncodedStrip(handle, index, &segment, -1)
                        : TIFFReadEncodedTile(handle, index, &segment, -1)
                    guard count > 0 else { throw WriterFailed() }
                    index += 1
                    for y in top..<min(top + height, page.height) {
                        for x in left..<min(left + width, page.width) {
                            pixels[y * page.width + x] = segment[(y - top) * width + x - left]
                        }
                    }
                }
            }
            pages[number].pixels = pixels
        }
    }

    private func bytes(_ path: String) throws -> [UInt8] {
        guard let file = fopen(path, "rb") else { throw WriterFailed() }
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: ftell(file))
        rewind(file)
        guard fread(&bytes, 1, bytes.count, file) == bytes.count else { throw WriterFailed() }
        return bytes
    }
}

extension TIFFFixture.Page {
    /// The pixels of a rectangle, taken one by one.
    func rectangle(_ x: Int, _ y: Int, _ width: Int, _ height: Int, bits: Int) -> [UInt8] {
        let sample = bits / 8
        var rectangle: [UInt8] = []
        for row in y..<y + height {
            let start = (row * self.width + x) * sample
            rectangle += pixels[start..<start + width * sample]
        }
        return rectangle
    }
}
