import CTIFF

/// libtiff, decoding segments that lie in memory.
///
/// libtiff decodes for an open file only. So the decoder makes a TIFF of one segment in memory, with the tags of the
/// page and without pixels, and hands the bytes of each segment to `TIFFReadFromUserBuffer`. Thus libtiff never reads a
/// file. One thread uses a decoder.
@safe final class TIFFSegmentDecoder {
    private let file: UnsafeMutablePointer<shim_tiff_memory>
    private let handle: OpaquePointer

    /// A decoder for segments of `rows` rows.
    ///
    /// - Throws: ``TIFFFault`` with libtiff's message.
    init(_ page: TIFFPage, width: Int, rows: Int, isTile: Bool, jpegTables: [UInt8]) throws(TIFFFault) {
        let header = Self.header(page, width: width, rows: rows, isTile: isTile, jpegTables: jpegTables)
        let file = UnsafeMutablePointer<shim_tiff_memory>.allocate(capacity: 1)
        unsafe file.initialize(to: shim_tiff_memory())
        let opened = unsafe header.withUnsafeBufferPointer { header in
            unsafe shim_tiff_open_memory(file, header.baseAddress, header.count)
        }
        guard let handle = unsafe opened else {
            let message = unsafe Self.message(file)
            unsafe file.deallocate()
            throw TIFFFault(message)
        }
        unsafe self.file = file
        unsafe self.handle = handle
    }

    deinit {
        unsafe TIFFClose(handle)
        unsafe file.deallocate()
    }

    /// Decodes one segment.
    ///
    /// - Parameters:
    ///   - bytes: has the segment at `place`. Where the page has fill order 2, libtiff reverses the bits there, and then
    ///     back.
    ///   - pixels: takes, at `target`, all pixels of the segment, row by row, in the byte order of this machine.
    /// - Throws: ``TIFFFault`` with libtiff's message, also where libtiff only warns: then it has guessed pixels.
    func decode(
        _ bytes: inout [UInt8], _ place: Range<Int>, into pixels: inout [UInt8], _ target: Range<Int>
    ) throws(TIFFFault) {
        let succeeded = unsafe bytes.withUnsafeMutableBytes { bytes in
            unsafe pixels.withUnsafeMutableBytes { pixels in
                let segment = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[place])
                let space = unsafe UnsafeMutableRawBufferPointer(rebasing: pixels[target])
                return unsafe TIFFReadFromUserBuffer(
                    handle, 0, segment.baseAddress, tmsize_t(segment.count), space.baseAddress, tmsize_t(space.count))
            }
        }
        guard succeeded == 1, unsafe file.pointee.complaints == 0 else { throw TIFFFault(unsafe Self.message(file)) }
    }

    private static func message(_ file: UnsafeMutablePointer<shim_tiff_memory>) -> String {
        let text = unsafe String(cString: shim_tiff_message(file))
        return text.isEmpty ? "libtiff gives no reason" : text
    }

    /// A classic TIFF of one strip or tile, as `page` has them, in the byte order of the file, because libtiff decides by it
    /// whether it swaps the bytes of 16-bit samples.
    private static func header(
        _ page: TIFFPage, width: Int, rows: Int, isTile: Bool, jpegTables: [UInt8]
    ) -> [UInt8] {
        var entries: [(tag: TIFFTag, type: Int, value: Int)] = [
            (.width, 4, width), (.height, 4, rows), (.bitsPerSample, 3, page.bitsPerSample),
            (.compression, 3, page.compression.rawValue), (.photometric, 3, 1),
            (.fillOrder, 3, page.isBitReversed ? 2 : 1), (.samplesPerPixel, 3, 1), (.planarConfiguration, 3, 1),
            (.sampleFormat, 3, 1),
        ]
        // libtiff checks the size of a strip unless its offset is 0.
        entries +=
            isTile
            ? [(.tileWidth, 4, width), (.tileHeight, 4, rows), (.tileOffsets, 4, 0), (.tileByteCounts, 4, 1)]
            : [(.stripOffsets, 4, 0), (.rowsPerStrip, 4, rows), (.stripByteCounts, 4, 1)]
        if page.isDifferenced { entries.append((.predictor, 3, 2)) }
        if !jpegTables.isEmpty { entries.append((.jpegTables, 7, 0)) }
        entries.sort { $0.tag.rawValue < $1.tag.rawValue }

        let isBigEndian = page.header.isBigEndian
        func number(_ value: Int, _ size: Int) -> [UInt8] {
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
            return isBigEndian ? bytes.reversed() : bytes
        }
        let tablesStart = 8 + 2 + entries.count * 12 + 4
        var file = Array((isBigEndian ? "MM" : "II").utf8) + number(42, 2) + number(8, 4) + number(entries.count, 2)
        for entry in entries {
            file += number(Int(entry.tag.rawValue), 2) + number(entry.type, 2)
            switch entry.type {
            case 3: file += number(1, 4) + number(entry.value, 2) + [0, 0]
            case 7: file += number(jpegTables.count, 4) + number(tablesStart, 4)
            default: file += number(1, 4) + number(entry.value, 4)
            }
        }
        return file + number(0, 4) + jpegTables
    }
}
