import Specimens

/// The bytes of a patch, and what decodes them.
struct TIFFPatchJob: Sendable {
    let patch: TIFFPatch
    let page: TIFFPage
    let jpegTables: [UInt8]
    let reads: [TIFFPatchRead]
    /// The bytes of each read.
    let bytes: [[UInt8]]

    /// The pixels of the patch, row by row; 16-bit samples in the byte order of this machine.
    ///
    /// - Throws: ``TIFFFault`` where a segment is damaged.
    consuming func decode() throws(TIFFFault) -> [UInt8] {
        var pixels = [UInt8](repeating: 0, count: patch.size)
        var decoder: (rows: Int, libtiff: TIFFSegmentDecoder)?
        var start = 0
        for (read, var source) in zip(reads, bytes) {
            for (part, place) in read.parts {
                let libtiff: TIFFSegmentDecoder
                // All strips of a patch have the same number of rows, but for the last of a page.
                if let decoder, decoder.rows == part.rows {
                    libtiff = decoder.libtiff
                } else {
                    libtiff = try TIFFSegmentDecoder(
                        page, width: patch.frame.width, rows: part.rows, isTile: patch.isTile, jpegTables: jpegTables)
                    decoder = (part.rows, libtiff)
                }
                let end = start + part.rows * patch.rowSize
                do throws(TIFFFault) {
                    try libtiff.decode(&source, place, into: &pixels, start..<end)
                } catch {
                    throw TIFFFault("\(patch.name(of: part.segment)): \(error.reason)")
                }
                start = end
            }
        }
        if page.isInverted {
            for index in pixels.indices { pixels[index] = ~pixels[index] }
        }
        return pixels
    }
}
