@testable import ImageCodec

/// A picture from the image service. The input is the file.
@Sendable func fuzzJPEG(_ bytes: [UInt8]) {
    let largestSide = 256
    do throws(ImageCodecError) {
        let info = try JPEG.info(bytes)
        require(info.width > 0 && info.height > 0 && (1...4).contains(info.components), "a frame has a size")
        if info.width > largestSide || info.height > largestSide {
            do throws(ImageCodecError) {
                _ = try JPEG.decodeLuma(bytes, width: largestSide, height: largestSide)
                require(false, "a picture of another size is refused")
            } catch {
                guard case .unexpectedSize = error else {
                    return require(false, "the size is looked at first: \(error)")
                }
            }
        } else {
            let luma = try JPEG.decodeLuma(bytes, width: info.width, height: info.height)
            require(luma.count == info.width * info.height, "every pixel is there")
            require(
                try JPEG.decodeLuma(bytes, width: info.width, height: info.height) == luma, "decoding is repeatable")
            // A throw leaves the function and is no finding. Then no caller gets the pixels either.
            try JPEG.check(bytes, width: info.width, height: info.height)
        }
    } catch {
        require(!error.description.isEmpty, "a refusal has a reason")
    }
    encodePixels(bytes)
}

/// The encoders of the stand-in origin, with the input as grey pixels.
private func encodePixels(_ bytes: [UInt8]) {
    guard let width = bytes.first.map({ Int($0 % 64) + 1 }), bytes.count >= width else { return }
    let height = min(bytes.count / width, 64)
    let pixels = Array(bytes.prefix(width * height))
    do throws(ImageCodecError) {
        let quality = Int(bytes[bytes.count - 1] % 100) + 1
        for file in [
            try JPEG.encodeGray(pixels, width: width, height: height, quality: quality),
            try JPEG.encodeLuma(pixels, width: width, height: height, quality: quality, cb: bytes[0]),
        ] {
            let luma = try JPEG.decodeLuma(file, width: width, height: height)
            require(luma.count == pixels.count, "every pixel survives")
        }
    } catch {
        require(false, "any pixels can be encoded and decoded: \(error)")
    }
}
