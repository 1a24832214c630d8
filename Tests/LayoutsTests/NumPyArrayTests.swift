import Layouts
import Testing

/// The header, read as the format's document says, without this project's code.
@Suite struct NumPyArrayTests {
    struct Header {
        let version: [UInt8]
        let text: String
        let size: Int

        init(_ bytes: [UInt8]) throws {
            try #require(Array(bytes[..<6]) == [0x93] + Array("NUMPY".utf8))
            version = Array(bytes[6..<8])
            size = 10 + Int(bytes[8]) + Int(bytes[9]) << 8
            text = String(decoding: bytes[10..<size], as: UTF8.self)
        }

        /// The value behind a key of the Python dictionary, up to the next comma outside of parentheses.
        subscript(key: String) -> String? {
            guard let start = text.firstRange(of: "'\(key)': ")?.upperBound else { return nil }
            var depth = 0
            let value = text[start...].prefix { character in
                if character == "(" { depth += 1 }
                if character == ")" { depth -= 1 }
                return depth > 0 || (character != "," && character != "}")
            }
            return String(value)
        }
    }

    @Test(
        arguments: [ZYX(z: 1, y: 1, x: 1), ZYX(z: 420, y: 10_000, x: 9_999), ZYX(z: 1 << 20, y: 1 << 20, x: 1 << 20)],
        [VoxelType.uint8, .uint16])
    func header(_ shape: ZYX<Int>, _ element: VoxelType) throws {
        let layout = try NumPyArray(shape: shape, element: element)
        let bytes = layout.headerBytes(0..<layout.headerSize)
        let header = try Header(bytes)
        #expect(header.version == [1, 0])
        #expect(header.size == layout.headerSize && header.size == bytes.count)
        #expect(layout.headerSize == 4096)
        #expect(header["descr"] == (element == .uint8 ? "'|u1'" : "'<u2'"))
        #expect(header["fortran_order"] == "False")
        #expect(header["shape"] == "(\(shape.z), \(shape.y), \(shape.x))")
        #expect(header.text.hasPrefix("{") && header.text.last == "\n")
        let rest = header.text.drop { $0 != "}" }.dropFirst().dropLast()
        #expect(rest.allSatisfy { $0 == " " })
        #expect(layout.fileSize == 4096 + shape.z * shape.y * shape.x * element.byteCount)
    }

    @Test func refusals() {
        for shape in [ZYX(z: 0, y: 1, x: 1), ZYX(z: 1, y: -1, x: 1), ZYX(z: 1, y: 1, x: 0)] {
            #expect(throws: NumPyLayoutError.invalidShape(shape)) { try NumPyArray(shape: shape, element: .uint8) }
        }
        let side = 1 << 21
        #expect(throws: NumPyLayoutError.tooLarge) {
            try NumPyArray(shape: ZYX(z: side, y: side, x: side), element: .uint8)
        }
        #expect(throws: NumPyLayoutError.tooLarge) {
            try NumPyArray(shape: ZYX(z: 1, y: 1, x: .max / 2), element: .uint16)
        }
    }
}
