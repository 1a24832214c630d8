import Layouts
import Testing

@testable import FileTree

@Suite struct ZarrNumberingTests {
    @Test func everyNodeOfAStoreHasOneNumberAndTheNumberLeadsBackToIt() throws {
        let image = try OMEZarrImage(
            name: "stack",
            geometry: VolumeGeometry(
                shape: ZYX(z: 3, y: 700, x: 1100), spacing: ZYX(z: 0.28, y: 0.1144, x: 0.1144),
                origin: ZYX(z: 0, y: 0, x: 0)), dataType: .uint8, chunk: ZYX(z: 2, y: 256, x: 256), levelCount: 3)
        let numbering = ZarrNumbering(image)
        var open = [OMEZarrNode.root]
        var seen: Set<Int> = []
        while let node = open.popLast() {
            let number = numbering.number(of: node)
            #expect(seen.insert(number).inserted)
            #expect(numbering.node(number) == node)
            for place in 0..<image.childCount(of: node) { open.append(image.child(at: place, of: node).node) }
        }
        #expect(seen == Set(0..<numbering.count).union([16_777_215]))
        #expect(numbering.node(numbering.count) == nil)
        #expect(numbering.node(-1) == nil)
    }

    @Test func numbersArePromisesTheseDoNotChangeBetweenVersions() throws {
        let image = try OMEZarrImage(
            name: "labels",
            geometry: VolumeGeometry(
                shape: ZYX(z: 3, y: 700, x: 1100), spacing: ZYX(z: 0.28, y: 0.1144, x: 0.1144),
                origin: ZYX(z: 0, y: 0, x: 0)), dataType: .uint8, chunk: ZYX(z: 2, y: 256, x: 256), levelCount: 2)
        // Level 0 has 2 x 3 x 5 chunks: 2 numbers, 2 z directories, 6 z/y directories, 30 chunks.
        let expected: [(String, Int)] = [
            ("", 0), (".zgroup", 1), (".zattrs", 2), ("0", 3), ("0/.zarray", 4), ("0/1", 6), ("0/0/0", 7),
            ("0/1/2", 12),
            ("0/0/0/0", 13), ("0/1/2/4", 42), ("1", 43), ("1/.zarray", 44), (".zmetadata", 16_777_215),
        ]
        for (path, number) in expected {
            let node = try #require(image.node(at: path.split(separator: "/")))
            #expect(ZarrNumbering(image).number(of: node) == number, "\(path)")
        }
    }
}
