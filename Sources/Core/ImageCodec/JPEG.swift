import CJPEG

/// JPEG through libjpeg-turbo: luma in, luma or colour out.
package enum JPEG {
    /// The most pixels decoded or encoded at once. The largest frame of the database has 632 Mpx (docs/DATA.md 2); this
    /// is the next power of two, 1024 Mpx.
    package static let maximumPixels = 1 << 30
    /// The largest side in px: libjpeg's own limit (`JPEG_MAX_DIMENSION`).
    package static let maximumSide = 65_500

    /// Decodes the luma (Y) of a JPEG; chroma is not reconstructed.
    ///
    /// The result is exact: it uses libjpeg's accurate integer transform, and refuses every picture for which libjpeg
    /// had to guess data.
    /// - Parameters:
    ///   - bytes: A whole JPEG file of 8 bits a sample, grey, YCbCr or RGB.
    ///   - width: The expected width, in px.
    ///   - height: The expected height, in px.
    /// - Returns: `width * height` bytes, row-major, top row first.
    /// - Throws: `unexpectedSize` before any memory is allocated. `damaged` for corrupt or missing data, also where
    ///   libjpeg would only warn. The errors of `info`.
    package static func decodeLuma(
        _ bytes: [UInt8], width: Int, height: Int
    ) throws(ImageCodecError) -> [UInt8] {
        try expect(bytes, width: width, height: height)
        var failure: String?
        let pixels = unsafe [UInt8](unsafeUninitializedCapacity: width * height) { buffer, count in
            failure = unsafe callingC { message in
                unsafe bytes.withUnsafeBufferPointer { source in
                    unsafe cjpeg_decode_luma(
                        source.baseAddress, source.count, UInt32(width), UInt32(height), buffer.baseAddress, message)
                }
            }
            count = failure == nil ? width * height : 0
        }
        if let failure { throw .damaged(reason: failure) }
        return pixels
    }

    /// Checks that a JPEG is complete and undamaged, without keeping its pixels. It refuses the same coding faults as
    /// ``decodeLuma(_:width:height:)``.
    /// - Throws: as ``decodeLuma(_:width:height:)``.
    package static func check(_ bytes: [UInt8], width: Int, height: Int) throws(ImageCodecError) {
        try expect(bytes, width: width, height: height)
        let failure = unsafe callingC { message in
            unsafe bytes.withUnsafeBufferPointer { source in
                unsafe cjpeg_decode_luma(source.baseAddress, source.count, UInt32(width), UInt32(height), nil, message)
            }
        }
        if let failure { throw .damaged(reason: failure) }
    }

    private static func expect(_ bytes: [UInt8], width: Int, height: Int) throws(ImageCodecError) {
        let info = try info(bytes)
        guard info.width == width, info.height == height else {
            throw .unexpectedSize(
                width: info.width, height: info.height, expectedWidth: width, expectedHeight: height)
        }
        try checkSize(width: width, height: height)
    }

    /// Encodes grey pixels as a baseline JPEG of one component.
    /// - Parameters:
    ///   - pixels: `width * height` bytes, row-major.
    ///   - quality: 1...100, libjpeg's scale.
    /// - Throws: `invalidArgument`, `encoderFailed`.
    package static func encodeGray(
        _ pixels: [UInt8], width: Int, height: Int, quality: Int
    ) throws(ImageCodecError) -> [UInt8] {
        try encode(pixels, width: width, height: height, layout: CJPEG_GRAY, quality: quality)
    }

    /// Encodes grey pixels as the luma of a baseline YCbCr 4:2:0 JPEG with constant chroma.
    /// - Parameters:
    ///   - pixels: `width * height` bytes, row-major.
    ///   - quality: 1...100, libjpeg's scale.
    ///   - cb: Blue difference of every pixel; 128 is neutral.
    ///   - cr: Red difference of every pixel; 128 is neutral.
    /// - Throws: `invalidArgument`, `encoderFailed`.
    package static func encodeLuma(
        _ pixels: [UInt8], width: Int, height: Int, quality: Int, cb: UInt8 = 128, cr: UInt8 = 128
    ) throws(ImageCodecError) -> [UInt8] {
        try encode(pixels, width: width, height: height, layout: CJPEG_LUMA, quality: quality, cb: cb, cr: cr)
    }

    private static func encode(
        _ pixels: [UInt8], width: Int, height: Int, layout: cjpeg_layout, quality: Int, cb: UInt8 = 128,
        cr: UInt8 = 128
    ) throws(ImageCodecError) -> [UInt8] {
        try checkSize(width: width, height: height)
        guard pixels.count == width * height else {
            throw .invalidArgument(reason: "\(pixels.count) bytes for \(width) x \(height) px")
        }
        guard (1...100).contains(quality) else { throw .invalidArgument(reason: "quality \(quality)") }
        var encoded: UnsafeMutablePointer<UInt8>?
        var count = 0
        let failure = unsafe callingC { message in
            unsafe pixels.withUnsafeBufferPointer { source in
                unsafe cjpeg_encode(
                    source.baseAddress, UInt32(width), UInt32(height), layout, Int32(quality), cb, cr, &encoded,
                    &count, message)
            }
        }
        defer { unsafe cjpeg_free(encoded) }
        if let failure { throw .encoderFailed(reason: failure) }
        return unsafe Array(UnsafeBufferPointer(start: encoded, count: count))
    }

    private static func checkSize(width: Int, height: Int) throws(ImageCodecError) {
        guard (1...maximumSide).contains(width), (1...maximumSide).contains(height), width * height <= maximumPixels
        else { throw .invalidArgument(reason: "\(width) x \(height) px") }
    }

    /// Runs one call of the C code. Returns its message when the call failed.
    private static func callingC(_ call: (UnsafeMutablePointer<CChar>?) -> Int32) -> String? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: CJPEG_MESSAGE_SIZE) { message in
            guard unsafe call(message.baseAddress) != 0 else { return nil }
            return unsafe message.baseAddress.map { unsafe String(cString: $0) } ?? ""
        }
    }
}
