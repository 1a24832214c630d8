import OMEZarr
import Testing

@testable import FileTree

@Suite("Numbers in a Zarr store")
struct ZarrNumberingTests {
    @Test("every node of a store has one number, and the number leads back to it")
    func bijection() throws {
        let image = try OMEZarrImage(
            name: "stack", shape: ZYX(z: 3, y: 700, x: 1100), spacing: ZYX(z: 0.28, y: 0.1144, x: 0.1144),
            origin: ZYX(z: 0, y: 0, x: 0), dataType: .uint8, chunk: ZYX(z: 2, y: 256, x: 256), levelCount: 3)
        let numbering = ZarrNumbering(image)
        var open = [OMEZarrNode.root]
        var seen: Set<Int> = []
        while let node = open.popLast() {
            let number = numbering.number(of: node)
            #expect(seen.insert(number).inserted)
            #expect(numbering.node(number) == node)
            for place in 0..<image.childCount(of: node) { open.append(image.child(at: place, of: node).node) }
        }
        #expect(seen == Set(0..<numbering.count))
        #expect(numbering.node(numbering.count) == nil)
        #expect(numbering.node(-1) == nil)
    }
}
