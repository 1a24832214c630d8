import CTIFF

/// A TIFF file as libtiff reads it.
package struct LibTIFF {
    package struct Page: Equatable {
        package var width: UInt32 = 0
        package var height: UInt32 = 0
        package var bitsPerSample: UInt16 = 0
        package var compression: UInt16 = 0
        package var photometric: UInt16 = 0
        package var samplesPerPixel: UInt16 = 0
        package var rowsPerStrip: UInt32 = 0
        package var resolutionUnit: UInt16 = 0
        package var sampleFormat: UInt16 = 0
        package var xResolution: Float = 0
        package var yResolution: Float = 0
        package var software: String?
        package var description: String?
        package var stripOffsets: [UInt64] = []
        package var stripByteCounts: [UInt64] = []
        /// Decoded, row-major.
        package var pixels: [UInt8] = []
    }

    package struct CannotOpen: Error {}

    package let pages: [Page]
    /// Errors and warnings that libtiff raised meanwhile.
    package let complaints: Int

    package init(path: String) throws {
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
