import Support
import Testing

@testable import FileTree

@Suite struct ContentsTests {
    @Test func planeNamesAreFourDigitsOrMoreAndOnlySuchNamesArePlanes() {
        #expect(PlaneNames.name(0) == "0000.tif")
        #expect(PlaneNames.name(626) == "0626.tif")
        #expect(PlaneNames.name(12_345) == "12345.tif")
        for index in [0, 7, 999, 9999, 10_000] { #expect(PlaneNames.index(PlaneNames.name(index)) == index) }
        for name in ["", ".tif", "1.tif", "00001.tif", "-001.tif", "+001.tif", "0000.TIF", "0000.tiff", "0x10.tif"] {
            #expect(PlaneNames.index(name) == nil, "\(name)")
        }
    }

    @Test func controlDocumentsHaveOneSizeAndKeepWholeLines() {
        let short = ControlDocument.padded("{}\n")
        #expect(short.count == ControlDocument.size)
        #expect(short.prefix(3) == [0x7B, 0x7D, 0x0A])
        let long = ControlDocument.padded(String(repeating: "0123456789\n", count: 10_000))
        #expect(long.count == ControlDocument.size)
        let text = String(decoding: long, as: UTF8.self).split(separator: "\n")
        #expect(text.allSatisfy { $0 == "0123456789" })
    }

    @Test func aDocumentOfJSONParsesWhateverTextsAreInIt() throws {
        let path = "/" + String(repeating: "p", count: 4000)
        for filler in ["x", "\u{1B}", "\u{1F9E0}", "\n"] {
            let document: JSONValue = [
                "path": .string(path), "error": .string(String(repeating: filler, count: 8 << 20)),
                "list": [.string(String(repeating: filler, count: 40_000)), .int(1)], "last": .bool(true),
            ]
            let text = ControlDocument.text(of: document)
            #expect(text.utf8.count <= ControlDocument.size && text.utf8.count > 4000)
            let parsed = try JSONValue.parse(ControlDocument.padded(text))
            #expect(parsed["last"] == .bool(true))
            #expect(parsed["list"]?.arrayValue?.last == .int(1))
            #expect(parsed["error"]?.stringValue?.hasPrefix(filler) == true)
        }
        #expect(ControlDocument.text(of: ["path": .string(path)]).contains(path))
    }

    @Test func aReadIsClampedToItsFile() {
        #expect(clamped(offset: 0, count: 10, size: 5) == 0..<5)
        #expect(clamped(offset: 5, count: 1, size: 5) == 5..<5)
        #expect(clamped(offset: 99, count: 1, size: 5) == 5..<5)
        #expect(clamped(offset: 3, count: Int.max, size: 5) == 3..<5)
        #expect(clamped(offset: -1, count: 2, size: 5) == 0..<2)
    }
}
