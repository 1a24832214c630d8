import CZlib
import Testing

@testable import ImageCodec

@Suite struct PNGTests {
    @Test(arguments: [(PNG.Layout.gray, 1), (PNG.Layout.rgb, 3)])
    func zlibAndTheFiltersOfTheStandardGiveThePixelsBack(layout: PNG.Layout, channels: Int) throws {
        let width = 41
        let height = 19
        let pixels = (0..<width * height * channels).map { UInt8(truncatingIfNeeded: $0 &* $0 / 7 ^ $0 >> 3) }
        let chunks = try Self.chunks(PNG.encode(layout, pixels, width: width, height: height))
        #expect(chunks.map(\.type) == ["IHDR", "IDAT", "IEND"])
        #expect(chunks[0].data == [0, 0, 0, 41, 0, 0, 0, 19, 8, channels == 1 ? 0 : 2, 0, 0, 0])
        let rows = try Self.inflate(chunks[1].data, count: height * (1 + width * channels))
        #expect(Self.unfiltered(rows, width: width, height: height, channels: channels) == pixels)
    }

    @Test func aPixelCountThatDoesNotFitIsRefused() {
        #expect(throws: ImageCodecError.self) { try PNG.encode(.rgb, [1, 2, 3, 4], width: 2, height: 1) }
        #expect(throws: ImageCodecError.self) { try PNG.encode(.gray, [], width: 0, height: 0) }
    }

    private static func chunks(_ file: [UInt8]) throws -> [(type: String, data: [UInt8])] {
        #expect(file.prefix(8) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        var result: [(type: String, data: [UInt8])] = []
        var position = 8
        while position < file.count {
            let length = number(file, position)
            let body = Array(file[position + 4..<position + 8 + length])
            #expect(number(file, position + 8 + length) == bitwiseCRC(body))
            result.append((String(decoding: body.prefix(4), as: UTF8.self), Array(body.dropFirst(4))))
            position += 12 + length
        }
        return result
    }

    private static func number(_ bytes: [UInt8], _ position: Int) -> Int {
        bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
    }

    /// CRC-32, one bit at a time (PNG annex D), to check the calls of zlib.
    private static func bitwiseCRC(_ bytes: [UInt8]) -> Int {
        var value: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            value ^= UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
        }
        return Int(value ^ 0xFFFF_FFFF)
    }

    private static func inflate(_ bytes: [UInt8], count: Int) throws -> [UInt8] {
        var result = [UInt8](repeating: 0, count: count)
        var length = UInt(count)
        #expect(uncompress(&result, &length, bytes, UInt(bytes.count)) == Z_OK)
        #expect(length == count)
        return result
    }

    /// PNG 9.2, filter types 0 to 2.
    private static func unfiltered(_ rows: [UInt8], width: Int, height: Int, channels: Int) -> [UInt8] {
        let stride = width * channels
        var result = [UInt8](repeating: 0, count: stride * height)
        for y in 0..<height {
            for x in 0..<stride {
                let left = x >= channels ? result[y * stride + x - channels] : 0
                let above = y > 0 ? result[(y - 1) * stride + x] : 0
                let predictor = [0, left, above][Int(rows[y * (stride + 1)])]
                result[y * stride + x] = rows[y * (stride + 1) + 1 + x] &+ predictor
            }
        }
        return result
    }
}
