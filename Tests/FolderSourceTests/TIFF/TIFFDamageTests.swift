import Specimens
import Support
import TestTools
import Testing

@testable import FolderSource

@Suite struct TIFFDamageTests {
    /// Small files of several kinds, with one page each of 20 x 18 px.
    private static func fixtures() throws -> [(bytes: [UInt8], fixture: TIFFFixture)] {
        let kinds: [(String, TIFFCompression, (width: Int, height: Int)?)] = [
            ("l", .lzw, nil), ("b", .none, nil), ("b8", .deflate, (16, 16)), ("l8", .packBits, nil), ("l", .jpeg, nil),
            ("b", .zstd, (16, 16)), ("l", .lzma, nil),
        ]
        return try kinds.map { mode, compression, tile in
            var fixture = TIFFFixture()
            (fixture.mode, fixture.compression, fixture.tile, fixture.rowsPerStrip) = (mode, compression, tile, 8)
            fixture.pages = [TIFFFixture.Page(width: 20, height: 18)]
            fixture.paint()
            let bytes = try fixture.written()
            return (bytes, fixture)
        }
    }

    /// The pixels of the first page; nil where the file, or the page, is refused.
    private func pixels(_ bytes: [UInt8], _ testing: TIFFTesting) throws -> [UInt8]? {
        do throws(TIFFError) {
            return try testing.open(bytes).plane(0)
        } catch {
            guard case .fault(let fault) = error else { throw error }
            #expect(!fault.reason.isEmpty && !fault.reason.contains("\n"))
            return nil
        }
    }

    @Test func aFileThatIsCutAnywhereIsRefusedOrRight() throws {
        let testing = try TIFFTesting(memory: 0)
        defer { testing.pool.shutdown() }
        for (bytes, fixture) in try Self.fixtures() {
            #expect(try pixels(bytes, testing) == fixture.pages[0].pixels, "\(fixture)")
            for count in bytes.indices {
                let pixels = try pixels(Array(bytes.prefix(count)), testing)
                if let pixels { #expect(pixels == fixture.pages[0].pixels, "\(fixture), \(count) bytes") }
            }
        }
    }

    @Test func anyDamagedByteGivesARefusalOrAPlane() throws {
        let testing = try TIFFTesting(memory: 0)
        defer { testing.pool.shutdown() }
        var random = Seeded(5)
        for (bytes, fixture) in try Self.fixtures() {
            for index in bytes.indices {
                for damage in [0xFF, 0x01, UInt8.random(in: 1...255, using: &random)] {
                    var damaged = bytes
                    damaged[index] ^= damage
                    let file: TIFFFile
                    do throws(TIFFError) { file = try testing.open(damaged) } catch { continue }
                    let page = file.pages[0]
                    guard page.width * page.height <= 1 << 20 else { continue }
                    do throws(TIFFError) {
                        let pixels = try file.plane(0)
                        #expect(pixels.count == page.width * page.height * page.bytesPerSample, "\(fixture)")
                    } catch {
                        #expect(!error.description.isEmpty)
                    }
                }
            }
        }
    }

    @Test func directoriesThatFormACircleAreRefused() throws {
        let testing = try TIFFTesting()
        defer { testing.pool.shutdown() }
        for directories in [1, 2, 5] {
            var file = HandmadeTIFF()
            (file.directories, file.last) = (directories, 24)
            #expect(testing.refusal(file.bytes) == "the directories form a circle")
        }
        var file = HandmadeTIFF()
        // The next directory begins in the entries of this one.
        file.last = 24 + 2 + 12
        #expect(testing.refusal(file.bytes) != nil)
    }

    @Test func numbersThatCannotBeAreRefusedWithTheirReason() throws {
        let testing = try TIFFTesting()
        defer { testing.pool.shutdown() }
        #expect(try testing.open(HandmadeTIFF().bytes).plane(0) == (0..<16).map { UInt8($0) })
        let cases: [([UInt16: UInt32], String)] = [
            ([256: 0], "page 0: 0 px wide"),
            ([257: .max], "page 0: 4294967295 px high"),
            ([258: 1], "page 0: 1 bits a sample are not read; 8 and 16 are"),
            ([258: 32], "page 0: 32 bits a sample are not read; 8 and 16 are"),
            ([339: 3], "page 0: sample format 3 is not read; 1, unsigned numbers, is"),
            ([277: 3], "page 0: 3 samples a pixel are not read; 1 is"),
            ([262: 2], "page 0: RGB is not read; grey is"),
            ([262: 3], "page 0: palette colours are not read; grey is"),
            ([259: 6], "page 0: compression 6, old-style JPEG, is not read; compression 7 is"),
            ([259: 4], "page 0: compression 4, CCITT, is for pages of black and white"),
            ([259: 34712], "page 0: compression 34712 is not read"),
            ([259: 7, 258: 16], "page 0: JPEG of 16 bits a sample is not read"),
            ([259: 5, 317: 3], "page 0: predictor 3 is not read; 1 and 2 are"),
            ([278: 0], "page 0: strips of 0 rows"),
            ([278: 1], "page 0: 4 strips have 1 offsets"),
            ([322: 0, 323: 16, 324: 8, 325: 16], "page 0: tiles of 0 x 16 px, where sides must be multiples of 16"),
            ([322: 20, 323: 16, 324: 8, 325: 16], "page 0: tiles of 20 x 16 px, where sides must be multiples of 16"),
            ([322: 16, 323: 16], "page 0: no tag says where the pixels are"),
            (
                [322: 32768, 323: 16384, 324: 8, 325: 16],
                "page 0: a strip or tile of 536870912 bytes, above the limit of 268435456"
            ),
            (
                [256: 32768, 257: 16384, 278: 16384, 259: 8],
                "page 0: a strip or tile of 536870912 bytes, above the limit of 268435456"
            ),
            (
                [256: 1 << 29, 257: 1 << 29, 278: 1],
                "page 0: a strip or tile of 536870912 bytes, above the limit of 268435456"
            ),
            ([256: 1 << 20, 257: 1 << 29, 278: 1], "page 0: 536870912 strips are more than 1048576"),
        ]
        for (fields, reason) in cases {
            var file = HandmadeTIFF()
            file.fields.merge(fields) { $1 }
            #expect(testing.refusal(file.bytes, "\(fields)") == reason)
        }
        var counted = HandmadeTIFF()
        counted.counts = [256: 2]
        #expect(testing.refusal(counted.bytes) == "page 0: tag 256 is no single number")
    }

    @Test func pixelsThatAreNotInTheFileAreRefusedWhenTheyAreRead() throws {
        let testing = try TIFFTesting()
        defer { testing.pool.shutdown() }
        let cases: [([UInt16: UInt32], [UInt16: UInt32], String)] = [
            ([273: .max], [:], "page 0: strip 0 of 16 bytes at 4294967295 is not in the file of 138"),
            ([273: 0], [:], "page 0: strip 0 of 16 bytes at 0 is not in the file of 138"),
            ([273: 130], [:], "page 0: strip 0 of 16 bytes at 130 is not in the file of 138"),
            ([259: 8, 279: 0], [:], "page 0: strip 0 has 0 bytes, too few for 16 decoded ones"),
            ([259: 8, 279: .max], [:], "page 0: strip 0 of 4294967295 bytes at 8 is not in the file of 138"),
            // A kilobyte cannot become 64 MiB.
            (
                [256: 8192, 257: 8192, 278: 8192, 259: 8],
                [:], "page 0: strip 0 has 16 bytes, too few for 67108864 decoded ones"
            ),
            ([273: 8], [273: 1_000_000], "page 0: 4000000 bytes at 8 are beyond the end of the file"),
            ([273: .max], [273: 2], "page 0: 8 bytes at 4294967295 are beyond the end of the file"),
        ]
        for (fields, counts, reason) in cases {
            var file = HandmadeTIFF()
            file.fields.merge(fields) { $1 }
            file.counts = counts
            do throws(TIFFError) {
                let opened = try testing.open(file.bytes)
                _ = try opened.rectangle(0, 0, 0, 1, 1)
                Issue.record("\(fields) is read")
            } catch {
                #expect(error.description == reason)
            }
        }
    }

    @Test func entriesAndDirectoriesAreBounded() throws {
        let testing = try TIFFTesting()
        defer { testing.pool.shutdown() }
        var crowded = HandmadeTIFF()
        for tag in UInt16(40000)..<44100 { crowded.fields[tag] = 1 }
        #expect(testing.refusal(crowded.bytes) == "directory 0 has 4109 entries, not 1 to 4096")
        var long = HandmadeTIFF()
        long.directories = 10_000
        #expect(try testing.open(long.bytes).pages.count == 10_000)
        long.directories = 10_001
        #expect(testing.refusal(long.bytes) == "the file has more than 10000 directories")
        #expect(testing.refusal([]) == "the file has 0 bytes")
        #expect(testing.refusal(Array("%PDF-1.7 and so on".utf8)) == "the file does not begin as a TIFF")
    }

    @Test func aBigTIFFWithNumbersAboveTheRangeOfIntIsRefused() throws {
        let testing = try TIFFTesting()
        defer { testing.pool.shutdown() }
        var fixture = TIFFFixture()
        (fixture.mode, fixture.pages) = ("l8", [TIFFFixture.Page(width: 20, height: 18)])
        fixture.rowsPerStrip = 18
        fixture.paint()
        let bytes = try fixture.written()
        let ifd = Int(bytes[8]) | Int(bytes[9]) << 8
        for place in ifd..<bytes.count - 7 {
            var damaged = bytes
            damaged.replaceSubrange(place..<place + 8, with: [UInt8](repeating: 0xFF, count: 8))
            let pixels = try pixels(damaged, testing)
            if let pixels { #expect(pixels.count >= 18, "\(place)") }
        }
    }
}
