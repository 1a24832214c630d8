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

    @Test func anOpenDocumentTellsOfTheMomentOfItsOpen() throws {
        let moment = Monitor(1)
        let bench = try TreeBench([], document: { _ in { [now = moment.withLock { $0 }] in "moment \(now)\n" } })
        defer { bench.close() }
        func read(_ file: any OpenFile, _ offset: Int, _ count: Int) throws -> [UInt8] {
            let answer = ReadAnswer()
            file.read(offset: offset, count: count, isDirect: true, token: CancellationToken(), receiver: answer)
            return try answer.wait().get()
        }
        let first = try bench.open(.controlFile(.status)).get()
        moment.withLock { $0 = 2 }
        let second = try bench.open(.controlFile(.status)).get()
        for (file, text) in [(first, "moment 1\n"), (second, "moment 2\n"), (first, "moment 1\n")] {
            #expect(try read(file, 0, 1 << 20) == ControlDocument.padded(text))
            #expect(try read(file, 7, 2) == Array(text.utf8.suffix(2)))
            #expect(try read(file, ControlDocument.size, 9) == [])
        }
        #expect(first.bypassesPageCache && !first.keepsPageCache && first.isCurrent)
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
