import CTIFF
import Glibc

/// A file in a new directory that goes away with this object.
final class TemporaryFile {
    let path: String
    private let directory: String

    init(_ bytes: [UInt8]) throws {
        var template = Array("/tmp/VirtualTIFFTests.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CannotWrite() }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        path = directory + "/image.tif"
        guard let file = fopen(path, "wb") else { throw CannotWrite() }
        let written = fwrite(bytes, 1, bytes.count, file)
        guard fclose(file) == 0, written == bytes.count else { throw CannotWrite() }
    }

    deinit {
        unlink(path)
        rmdir(directory)
    }

    struct CannotWrite: Error {}
}

/// What libtiff, the second oracle, makes of a file.
struct LibTIFF {
    struct Page: Equatable {
        var width: UInt32 = 0
        var height: UInt32 = 0
        var bitsPerSample: UInt16 = 0
        var compression: UInt16 = 0
        var photometric: UInt16 = 0
        var samplesPerPixel: UInt16 = 0
        var rowsPerStrip: UInt32 = 0
        var resolutionUnit: UInt16 = 0
        var sampleFormat: UInt16 = 0
        var xResolution: Float = 0
        var yResolution: Float = 0
        var software: String?
        var description: String?
        var stripOffsets: [UInt64] = []
        var stripByteCounts: [UInt64] = []
        /// Decoded, row-major.
        var pixels: [UInt8] = []
    }

    struct CannotOpen: Error {}

    let pages: [Page]
    /// Errors and warnings that libtiff raised meanwhile.
    let complaints: Int

    init(path: String) throws {
        let counter = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
        counter.initialize(to: 0)
        defer { counter.deallocate() }
        guard let handle = shim_tiff_open_counting(path, counter) else { throw CannotOpen() }
        defer { TIFFClose(handle) }
        var pages: [Page] = []
        repeat { pages.append(Self.page(handle)) } while TIFFReadDirectory(handle) == 1
        self.pages = pages
        complaints = Int(counter.pointee)
    }

    private static func page(_ handle: OpaquePointer) -> Page {
        var page = Page()
        _ = shim_tiff_get_u32(handle, 256, &page.width)
        _ = shim_tiff_get_u32(handle, 257, &page.height)
        _ = shim_tiff_get_u16(handle, 258, &page.bitsPerSample)
        _ = shim_tiff_get_u16(handle, 259, &page.compression)
        _ = shim_tiff_get_u16(handle, 262, &page.photometric)
        _ = shim_tiff_get_u16(handle, 277, &page.samplesPerPixel)
        _ = shim_tiff_get_u32(handle, 278, &page.rowsPerStrip)
        // libtiff itself reports fewer for some one-row images; the rows of the longest strip are what matters.
        page.rowsPerStrip = min(page.rowsPerStrip, page.height)
        _ = shim_tiff_get_float(handle, 282, &page.xResolution)
        _ = shim_tiff_get_float(handle, 283, &page.yResolution)
        _ = shim_tiff_get_u16(handle, 296, &page.resolutionUnit)
        _ = shim_tiff_get_u16(handle, 339, &page.sampleFormat)
        page.software = text(handle, 305)
        page.description = text(handle, 270)
        for strip in 0..<TIFFNumberOfStrips(handle) {
            page.stripOffsets.append(TIFFGetStrileOffset(handle, strip))
            page.stripByteCounts.append(TIFFGetStrileByteCount(handle, strip))
            var buffer = [UInt8](repeating: 0, count: Int(TIFFStripSize(handle)))
            let count = TIFFReadEncodedStrip(handle, strip, &buffer, tmsize_t(buffer.count))
            page.pixels.append(contentsOf: buffer.prefix(max(0, Int(count))))
        }
        return page
    }

    private static func text(_ handle: OpaquePointer, _ tag: UInt32) -> String? {
        var pointer: UnsafeMutablePointer<CChar>?
        guard shim_tiff_get_string(handle, tag, &pointer) == 1, let pointer else { return nil }
        return String(cString: pointer)
    }
}
