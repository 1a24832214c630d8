import Glibc
import Support
import Testing

@testable import BlockStore

@Suite struct BlockFormatTests {
    /// Vectors of the SipHash reference code for 128 bits (key and input 00 01 02 ...), also what
    /// `openssl mac -macopt hexkey:000102030405060708090a0b0c0d0e0f -macopt size:16 SIPHASH` prints.
    @Test(arguments: [
        (0, "a3817f04ba25a8e66df67214c7550293"),
        (1, "da87c1d86b99af44347659119b22fc45"),
        (7, "a1f1ebbed8dbc153c0b84aa61ff08239"),
        (8, "3b62a9ba6258f5610f83e264f31497b4"),
        (9, "264499060ad9baabc47f8b02bb6d71ed"),
        (15, "5493e99933b0a8117e08ec0f97cfc3d9"),
        (16, "6ee2a4ca67b054bbfd3315bf85230577"),
        (63, "5150d1772f50834a503e069a973fbd7c"),
    ])
    func sipHashGivesThePublishedValues(length: Int, expected: String) {
        let input = (0..<length).map { UInt8($0) }
        let digest = SipHash128.hash(input, key: (0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908))
        var bytes: [UInt8] = []
        bytes.append(littleEndian: digest.first)
        bytes.append(littleEndian: digest.second)
        let text = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(text == expected)
    }

    @Test func everyPartOfAKeyChangesItsDigest() {
        let keys = [
            key("a", 0), key("a", 1), key("b", 0), key("a", 0, validator: "v2"), key("a", 0, validator: ""),
            key("a", 0, length: 5), key("a", 0, length: 0), key("av", 0, validator: "1"), key("", 0, validator: "av1"),
            key("a", -1),
        ]
        #expect(Set(keys.map { BlockDigest($0) }).count == keys.count)
    }

    @Test func digestsAreReadBackFromFileNames() {
        let digest = BlockDigest(first: 0x0102_0304_0506_0708, second: 0xF)
        #expect(digest.hexadecimal == "0102030405060708000000000000000f")
        #expect(BlockDigest(hexadecimal: digest.hexadecimal) == digest)
        for bad in [
            "", "0102030405060708000000000000000", "0102030405060708000000000000000F",
            "tmp.30405060708000000000000000f00",
            "+102030405060708000000000000000f",
        ] {
            #expect(BlockDigest(hexadecimal: bad) == nil)
        }
    }

    /// The drawn layout, field by field, against bytes put together here.
    @Test func headerHasTheDrawnLayout() throws {
        let key = key("313862022/file/1", 7, validator: "W/\"é\"", length: 1_000_000)
        let data: [UInt8] = Array("123456789".utf8)
        let digest = BlockDigest(key)
        let header = try #require(BlockHeader(key: key, digest: digest, bytes: data, fetchCost: 0.25))
        var expected = Array("NFSBLOCK".utf8)
        func append(_ value: UInt64, _ bytes: Int) {
            expected += (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
        }
        append(1, 4)
        append(76 + 16 + 6, 4)
        append(digest.first, 8)
        append(digest.second, 8)
        append(7, 8)
        append(1_000_000, 8)
        append(9, 8)
        append(0xE306_9283, 4)
        append(16, 2)
        append(6, 2)
        append(0x3FD0_0000_0000_0000, 8)
        expected += Array("313862022/file/1".utf8) + Array("W/\"é\"".utf8)
        append(UInt64(CRC32C.checksum(expected)), 4)
        #expect(header.encoded() == expected)
        #expect(BlockHeader(decoding: expected) == header)
    }

    /// Data of 256 KiB or more has checksums of its parts of 16 KiB.
    @Test(arguments: [262_143, 262_144, 300_000, 1 << 20]) func longDataHasChecksumsOfItsParts(length: Int) throws {
        let key = key("7/file/1", 3, validator: "v", length: 5_000_000)
        let data = content(key, length)
        let encoded = try #require(BlockHeader(key: key, digest: BlockDigest(key), bytes: data, fetchCost: 0)).encoded()
        let parts =
            length < 262_144
            ? [] : stride(from: 0, to: length, by: 16_384).map { Array(data[$0..<min($0 + 16_384, length)]) }
        #expect(encoded.littleEndian(at: 8, as: UInt32.self) == (parts.isEmpty ? 1 : 2))
        #expect(encoded.count == 76 + 8 + 1 + 4 * parts.count)
        #expect(encoded.littleEndian(at: 56, as: UInt32.self) == CRC32C.checksum(data))
        for (number, part) in parts.enumerated() {
            #expect(encoded.littleEndian(at: 72 + 9 + 4 * number, as: UInt32.self) == CRC32C.checksum(part))
        }
        #expect(
            encoded.littleEndian(at: encoded.count - 4, as: UInt32.self) == CRC32C.checksum(encoded.dropLast(4) + []))
    }

    /// One length of data has one form, so that decoding and encoding change nothing.
    @Test func shortDataHasNoFormWithParts() throws {
        let key = key("7/file/1")
        let header = try #require(BlockHeader(key: key, digest: BlockDigest(key), bytes: [1], fetchCost: 0))
        var bytes = Array(header.encoded().dropLast(4))
        bytes[8] = 2
        bytes.append(littleEndian: CRC32C.checksum(bytes))
        #expect(BlockHeader(decoding: bytes) == nil)
    }

    /// A long block of version 0.1.0 has no checksums of parts: it is proved whole, whatever is asked for.
    @Test func aLongBlockOfVersion010IsRead() throws {
        let (scratch, key) = (try Scratch(), key("7/file/1", 0, validator: "v", length: 1 << 20))
        let (data, digest) = (content(key, 1 << 20), BlockDigest(key))
        var header = Array("NFSBLOCK".utf8)
        func append<Word: FixedWidthInteger & UnsignedInteger>(_ word: Word) { header.append(littleEndian: word) }
        append(UInt32(1))
        append(UInt32(76 + 8 + 1))
        for word in [digest.first, digest.second, 0, 1 << 20, 1 << 20] { append(word) }
        append(CRC32C.checksum(data))
        for count in [8, 1] as [UInt16] { append(count) }
        append((0.25).bitPattern)
        header += Array("7/file/1v".utf8)
        append(CRC32C.checksum(header))
        let name = digest.hexadecimal
        for folder in ["", "/blocks-V1", "/blocks-V1/\(name.prefix(2))"] {
            #expect(mkdir(scratch.cache + folder, 0o700) == 0)
        }
        try writeFile("\(scratch.cache)/blocks-V1/\(name.prefix(2))/\(name.dropFirst(2))", header + data)
        let store = try World().open(scratch)
        defer { store.close() }
        let slice = BlockSlice(70_000..<90_000, of: 1 << 20)
        #expect([.block(Array(data[70_000..<90_000])), .mustWait].contains(store.readNow(key, slice)))
        #expect(store.read(key) == data && store.statistics.corrupt == 0)
    }

    /// A cache of version 0.1.0 is taken over: the bytes and the name of a block file as that version wrote them. Both were
    /// computed by another program from the layout drawn in BlockHeader.
    @Test func aBlockFileOfVersion010IsReadAndWrittenAlike() throws {
        let name = "77/59e0184e5d27541c0added8b65fd35"
        let file = [
            "4e4653424c4f434b010000008700000054275d4e18e0597735fd658beddd0a1c",
            "2a00000000000000ffffffffffffffff05000000000000004afbf8ce19002200",
            "000000000000d03f3331333836323032322f696d6167652f3332313534393635",
            "34223561316422206f6620687474703a2f2f6170692e627261696e2d6d61702e", "6f7267aeaefc1c626c6f636b",
        ].joined()
        let bytes = stride(from: 0, to: file.utf8.count, by: 2).map { offset in
            UInt8(String(file.dropFirst(offset).prefix(2)), radix: 16) ?? 0
        }
        let key = key("313862022/image/321549654", 42, validator: "\"5a1d\" of http://api.brain-map.org")
        let scratch = try Scratch()
        for folder in ["", "/blocks-V1", "/blocks-V1/77"] { #expect(mkdir(scratch.cache + folder, 0o700) == 0) }
        try writeFile("\(scratch.cache)/blocks-V1/\(name)", bytes)
        let store = try World().open(scratch)
        defer { store.close() }
        #expect(store.statistics.blocks == 1 && store.statistics.corrupt == 0)
        #expect(store.bytes(ofObject: "313862022") == 4096)
        #expect(store.read(key) == Array("block".utf8))
        #expect(try CacheInspector(directory: scratch.cache).clear(includingPinned: true).blocks == 1)
        store.write(key, Array("block".utf8), fetchCost: 0.25)
        #expect(try scratch.blockFiles() == ["\(scratch.cache)/blocks-V1/\(name)"])
        #expect(try readFile("\(scratch.cache)/blocks-V1/\(name)") == bytes)
    }

    @Test func whatIsTooLongHasNoHeader() {
        let long = key(String(repeating: "a", count: 8193))
        #expect(BlockHeader(key: long, digest: BlockDigest(long), bytes: [], fetchCost: 0) == nil)
        let fits = key(String(repeating: "a", count: 8192), validator: "")
        #expect(BlockHeader(key: fits, digest: BlockDigest(fits), bytes: [], fetchCost: .nan)?.fetchCost == 0)
    }

    @Test func pinsCoverWholePartsOfAnID() {
        let pins = Pins(["313862022", "5/image"])
        #expect(pins.cover("313862022/image/321549654"))
        #expect(pins.cover("313862022"))
        #expect(!pins.cover("3138620221/image/1"))
        #expect(pins.cover("5/image/7"))
        #expect(!pins.cover("5/file/7"))
        #expect(!pins.cover(""))
    }
}
