import Testing

@testable import ImageCodec

@Suite struct JPEGTests {
    @Test func theFrameHeaderIsReadWithoutDecoding() throws {
        #expect(try JPEG.info(Fixture.baseline) == JPEGInfo(width: 37, height: 21, components: 3))
        #expect(try JPEG.info(Fixture.progressive) == JPEGInfo(width: 37, height: 21, components: 3))
        #expect(try JPEG.info(Fixture.gray) == JPEGInfo(width: 37, height: 21, components: 1))
        #expect(try JPEG.info(Array(Fixture.baseline.prefix(200))).width == 37)
    }

    @Test func lumaEqualsWhatOpenCVAndPillowDecode() throws {
        let pairs = [
            (Fixture.baseline, Fixture.baselineLuma), (Fixture.progressive, Fixture.progressiveLuma),
            (Fixture.gray, Fixture.grayLuma),
        ]
        for (jpeg, luma) in pairs {
            #expect(try JPEG.decodeLuma(jpeg, width: 37, height: 21) == luma)
            try JPEG.check(jpeg, width: 37, height: 21)
            #expect(throws: ImageCodecError.self) { try JPEG.check(jpeg, width: 21, height: 37) }
        }
    }

    @Test func anotherSizeThanExpectedIsAnError() {
        #expect(
            throws: ImageCodecError.unexpectedSize(width: 37, height: 21, expectedWidth: 21, expectedHeight: 37)
        ) { try JPEG.decodeLuma(Fixture.baseline, width: 21, height: 37) }
    }

    @Test func aPictureCutShortAnywhereIsAnError() {
        for jpeg in [Fixture.baseline, Fixture.gray, Fixture.progressive] {
            for count in jpeg.indices {
                #expect(throws: ImageCodecError.self, "\(count) bytes") {
                    try JPEG.decodeLuma(Array(jpeg.prefix(count)), width: 37, height: 21)
                }
                #expect(throws: ImageCodecError.self, "\(count) bytes") {
                    try JPEG.check(Array(jpeg.prefix(count)), width: 37, height: 21)
                }
            }
            #expect(throws: ImageCodecError.self, "no end-of-image marker") {
                try JPEG.decodeLuma(jpeg.dropLast(2) + [0, 0], width: 37, height: 21)
            }
        }
    }

    @Test func aLostStretchOfTheScanIsAnError() throws {
        let noise = (0..<256 * 256).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) }
        var jpeg = try JPEG.encodeGray(noise, width: 256, height: 256, quality: 90)
        jpeg.removeSubrange(jpeg.count / 2..<jpeg.count / 2 + 900)
        #expect(throws: ImageCodecError.self) { try JPEG.decodeLuma(jpeg, width: 256, height: 256) }
        #expect(throws: ImageCodecError.self) { try JPEG.check(jpeg, width: 256, height: 256) }
    }

    @Test func damagedBytesNeverCrashAndNeverChangeTheSize() {
        var state: UInt64 = 1
        for _ in 0..<2000 {
            var jpeg = Fixture.baseline
            for _ in 0..<3 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                jpeg[Int(state >> 33) % jpeg.count] = UInt8(truncatingIfNeeded: state >> 24)
            }
            if let pixels = try? JPEG.decodeLuma(jpeg, width: 37, height: 21) { #expect(pixels.count == 37 * 21) }
        }
    }

    @Test func aHeaderThatPromisesGigabytesIsRefusedBeforeAnythingIsAllocated() throws {
        let frame = try #require(frameHeader(Fixture.baseline))
        var jpeg = Fixture.baseline
        jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(throws: ImageCodecError.self) { try JPEG.decodeLuma(jpeg, width: 37, height: 21) }
        #expect(throws: ImageCodecError.invalidArgument(reason: "65535 x 65535 px")) {
            try JPEG.decodeLuma(jpeg, width: 65535, height: 65535)
        }
    }

    @Test func twelveBitsAMissingHeightAndAnImpossibleFrameAreToldApart() throws {
        let frame = try #require(frameHeader(Fixture.baseline))
        var twelve = Fixture.baseline
        twelve[frame + 4] = 12
        #expect(throws: ImageCodecError.unsupported(reason: "12 bits a sample")) { try JPEG.info(twelve) }
        var noHeight = Fixture.baseline
        noHeight.replaceSubrange(frame + 5..<frame + 7, with: [0, 0])
        #expect(throws: ImageCodecError.unsupported(reason: "the height follows the picture (DNL)")) {
            try JPEG.info(noHeight)
        }
        var contradiction = Fixture.baseline
        contradiction[frame + 9] = 9
        #expect(throws: ImageCodecError.notJPEG(reason: "the frame header contradicts itself")) {
            try JPEG.info(contradiction)
        }
        #expect(throws: ImageCodecError.notJPEG(reason: "no start-of-image marker")) {
            try JPEG.info(Array("<html><title>We're sorry".utf8))
        }
    }

    @Test func greyAndLumaEncodingsComeBackCloseToWhatWentIn() throws {
        let width = 53
        let height = 34
        let pixels = (0..<width * height).map { UInt8(60 + ($0 % width) * 2 + ($0 / width)) }
        let gray = try JPEG.encodeGray(pixels, width: width, height: height, quality: 95)
        let luma = try JPEG.encodeLuma(pixels, width: width, height: height, quality: 95, cb: 120, cr: 132)
        #expect(try JPEG.info(gray).components == 1)
        #expect(try JPEG.info(luma).components == 3)
        #expect(samplingFactors(luma) == [0x22, 0x11, 0x11])
        let decoded = try JPEG.decodeLuma(gray, width: width, height: height)
        #expect(try JPEG.decodeLuma(luma, width: width, height: height) == decoded)
        let error = zip(pixels, decoded).map { abs(Int($0) - Int($1)) }.max()
        #expect(try #require(error) <= 4)
    }

    @Test func whatCannotBeEncodedIsRefused() {
        #expect(throws: ImageCodecError.self) { try JPEG.encodeGray([], width: 0, height: 4, quality: 80) }
        #expect(throws: ImageCodecError.self) { try JPEG.encodeGray([1, 2, 3], width: 2, height: 2, quality: 80) }
        #expect(throws: ImageCodecError.self) { try JPEG.encodeGray([1], width: 1, height: 1, quality: 101) }
    }

    /// The index of the SOF0 marker, found by its own bytes: no other segment of Pillow's files contains FF C0.
    private func frameHeader(_ jpeg: [UInt8]) -> Int? {
        jpeg.indices.dropLast().first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 }
    }

    private func samplingFactors(_ jpeg: [UInt8]) -> [UInt8]? {
        frameHeader(jpeg).map { [jpeg[$0 + 11], jpeg[$0 + 14], jpeg[$0 + 17]] }
    }
}
