import CZlib

/// PNG of 8 bits a sample, for preview pictures (W3C PNG, third edition).
package enum PNG {
    /// The largest side in px; a limit of this project, far above any preview.
    package static let maximumSide = 65_535

    /// The meaning of the bytes of a pixel.
    package enum Layout: Sendable {
        /// One byte for each pixel: 0 black, 255 white.
        case gray
        /// Three bytes for each pixel: R, G, B.
        case rgb

        var bytesPerPixel: Int { self == .gray ? 1 : 3 }
        /// Colour type of the IHDR chunk (PNG 11.2.1).
        var colourType: UInt8 { self == .gray ? 0 : 2 }
    }

    /// Encodes a picture.
    /// - Parameters:
    ///   - pixels: `width * height` pixels of `layout`, row-major, top row first.
    ///   - level: zlib's compression level, 0...9.
    /// - Throws: `invalidArgument`; `encoderFailed` when zlib finds no memory.
    package static func encode(
        _ layout: Layout, _ pixels: [UInt8], width: Int, height: Int, level: Int = 6
    ) throws(ImageCodecError) -> [UInt8] {
        guard (1...maximumSide).contains(width), (1...maximumSide).contains(height),
            width * height <= JPEG.maximumPixels, pixels.count == layout.bytesPerPixel * width * height,
            (0...9).contains(level)
        else { throw .invalidArgument(reason: "\(pixels.count) bytes for \(width) x \(height) px, level \(level)") }
        let compressed = try deflate(
            filtered(pixels, stride: width * layout.bytesPerPixel, bytesPerPixel: layout.bytesPerPixel), level: level)
        var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        appendChunk("IHDR", bigEndian(width) + bigEndian(height) + [8, layout.colourType, 0, 0, 0], to: &file)
        appendChunk("IDAT", compressed, to: &file)
        appendChunk("IEND", [], to: &file)
        return file
    }

    /// The rows, each after its filter type: 1 (difference to the left) or 2 (to the row above). The type with the
    /// smaller sum of absolute differences is used, as the heuristic of PNG 12.7 recommends.
    private static func filtered(_ pixels: [UInt8], stride: Int, bytesPerPixel: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(pixels.count + pixels.count / stride)
        var left = [UInt8](repeating: 0, count: stride)
        var above = left
        for start in Swift.stride(from: 0, to: pixels.count, by: stride) {
            var leftCost = 0
            var aboveCost = 0
            for column in 0..<stride {
                let value = pixels[start + column]
                left[column] = column < bytesPerPixel ? value : value &- pixels[start + column - bytesPerPixel]
                above[column] = start == 0 ? value : value &- pixels[start + column - stride]
                leftCost += Int(Int8(bitPattern: left[column]).magnitude)
                aboveCost += Int(Int8(bitPattern: above[column]).magnitude)
            }
            result.append(leftCost <= aboveCost ? 1 : 2)
            result.append(contentsOf: leftCost <= aboveCost ? left : above)
        }
        return result
    }

    private static func deflate(_ bytes: [UInt8], level: Int) throws(ImageCodecError) -> [UInt8] {
        var code = Z_OK
        let compressed = unsafe [UInt8](unsafeUninitializedCapacity: Int(compressBound(UInt(bytes.count)))) {
            buffer, count in
            var length = UInt(buffer.count)
            code = unsafe bytes.withUnsafeBufferPointer { source in
                unsafe compress2(buffer.baseAddress, &length, source.baseAddress, UInt(source.count), Int32(level))
            }
            count = code == Z_OK ? Int(length) : 0
        }
        guard code == Z_OK else { throw .encoderFailed(reason: "zlib error \(code)") }
        return compressed
    }

    /// Length, type, data, and the CRC of type and data (PNG 5.3).
    private static func appendChunk(_ type: String, _ data: [UInt8], to file: inout [UInt8]) {
        file.append(contentsOf: bigEndian(data.count))
        let body = Array(type.utf8) + data
        file.append(contentsOf: body)
        let checksum = unsafe body.withUnsafeBufferPointer { unsafe crc32(0, $0.baseAddress, UInt32($0.count)) }
        file.append(contentsOf: bigEndian(Int(checksum)))
    }

    private static func bigEndian(_ value: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }
}
