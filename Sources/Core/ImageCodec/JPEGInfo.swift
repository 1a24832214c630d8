/// The values in the frame header (SOF) of a JPEG.
package struct JPEGInfo: Hashable, Sendable {
    /// Width in px, 1...65535.
    package let width: Int
    /// Height in px, 1...65535.
    package let height: Int
    /// Colour components, 1...4: 1 is grey, 3 is YCbCr.
    package let components: Int

    /// A frame of `width` x `height` px.
    package init(width: Int, height: Int, components: Int) {
        self.width = width
        self.height = height
        self.components = components
    }
}

extension JPEG {
    /// Reads the frame header without decoding. Nothing else tells the size of a picture of the image service.
    ///
    /// The first bytes of a file are enough, as long as they reach the frame header (ITU-T T.81, B.2.2).
    /// - Throws: `notJPEG` when no valid frame header is found, `unsupported` for other than 8 bits a sample.
    package static func info(_ bytes: [UInt8]) throws(ImageCodecError) -> JPEGInfo {
        guard bytes.count >= 4, bytes[0] == 0xFF, bytes[1] == 0xD8 else {
            throw .notJPEG(reason: "no start-of-image marker")
        }
        var position = 2
        while position + 4 <= bytes.count {
            guard bytes[position] == 0xFF else { throw .notJPEG(reason: "no marker at byte \(position)") }
            let marker = bytes[position + 1]
            if marker == 0xFF {
                position += 1
                continue
            }
            // TEM and RSTn stand alone. Every other marker before the scan carries its length.
            if marker == 0x01 || (0xD0...0xD7).contains(marker) {
                position += 2
                continue
            }
            guard marker != 0xD9, marker != 0xDA, marker != 0x00 else { break }
            let length = Int(bytes[position + 2]) << 8 | Int(bytes[position + 3])
            guard length >= 2 else { throw .notJPEG(reason: "a segment shorter than its own length field") }
            if isFrameHeader(marker) { return try frame(bytes, segment: position + 2, length: length) }
            position += 2 + length
        }
        throw .notJPEG(reason: "no frame header in \(bytes.count) bytes")
    }

    /// SOF0...SOF15. C4 (Huffman tables), C8 (reserved) and CC (arithmetic conditioning) lie in the same range.
    private static func isFrameHeader(_ marker: UInt8) -> Bool {
        (0xC0...0xCF).contains(marker) && marker != 0xC4 && marker != 0xC8 && marker != 0xCC
    }

    private static func frame(
        _ bytes: [UInt8], segment: Int, length: Int
    ) throws(ImageCodecError) -> JPEGInfo {
        guard segment + 8 <= bytes.count else { throw .notJPEG(reason: "the frame header is cut short") }
        let height = Int(bytes[segment + 3]) << 8 | Int(bytes[segment + 4])
        let width = Int(bytes[segment + 5]) << 8 | Int(bytes[segment + 6])
        let components = Int(bytes[segment + 7])
        guard length == 8 + 3 * components, width > 0, (1...4).contains(components) else {
            throw .notJPEG(reason: "the frame header contradicts itself")
        }
        guard height > 0 else { throw .unsupported(reason: "the height follows the picture (DNL)") }
        guard bytes[segment + 2] == 8 else { throw .unsupported(reason: "\(bytes[segment + 2]) bits a sample") }
        return JPEGInfo(width: width, height: height, components: components)
    }
}
