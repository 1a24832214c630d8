import Layouts
import Testing

@Suite struct OMEZarrNodeTests {
    /// The tree written out by nested loops: path to whether it is a directory.
    func expectedTree(_ levels: [ZYX<Int>]) -> [String: Bool] {
        var tree = ["": true, ".zgroup": false, ".zattrs": false, ".zmetadata": false]
        for (n, grid) in levels.enumerated() {
            tree["\(n)"] = true
            tree["\(n)/.zarray"] = false
            for z in 0..<grid.z {
                tree["\(n)/\(z)"] = true
                for y in 0..<grid.y {
                    tree["\(n)/\(z)/\(y)"] = true
                    for x in 0..<grid.x { tree["\(n)/\(z)/\(y)/\(x)"] = false }
                }
            }
        }
        return tree
    }

    @Test func listingAndLookingUpAgree() throws {
        let image = try image(ZYX(z: 13, y: 50, x: 21), chunk: ZYX(z: 1, y: 4, x: 4))
        #expect(image.levels.count == 5)
        let expected = expectedTree([
            ZYX(z: 13, y: 13, x: 6), ZYX(z: 13, y: 7, x: 3), ZYX(z: 13, y: 4, x: 2), ZYX(z: 13, y: 2, x: 1),
            ZYX(z: 13, y: 1, x: 1),
        ])
        var found: [String: Bool] = [:]
        func walk(_ node: OMEZarrNode, _ path: [String]) {
            found[path.joined(separator: "/")] = node.isDirectory
            #expect(image.node(at: path) == node)
            if !node.isDirectory { #expect(image.childCount(of: node) == 0 && image.byteCount(of: node) > 0) }
            let children = (0..<image.childCount(of: node)).map { image.child(at: $0, of: node) }
            let numbers = children.compactMap { Int($0.name) }
            #expect(numbers == numbers.sorted())
            for child in children { walk(child.node, path + [child.name]) }
        }
        walk(.root, [])
        #expect(found == expected)
    }

    @Test func chunksAndMetadata() throws {
        let image = try image(ZYX(z: 420, y: 10_000, x: 10_000), chunk: ZYX(z: 32, y: 256, x: 256))
        let index = ZYX(z: 13, y: 39, x: 2)
        let node = try #require(image.node(at: ["0", "13", "39", "2"]))
        #expect(node == .chunk(level: 0, index: index) && image.byteCount(of: node) == 32 << 16)
        #expect(image.levels[0].array.voxels(ofChunk: index) == ZYX(z: 416..<448, y: 9984..<10_240, x: 512..<768))
        #expect(image.metadata(of: node) == nil)
        #expect(image.metadata(of: .groupAttributes) == image.zattrs())
        #expect(image.metadata(of: .groupMetadata) == image.zgroup())
        #expect(image.metadata(of: .consolidatedMetadata) == image.zmetadata())
        #expect(image.metadata(of: .arrayMetadata(level: 2)) == image.zarray(level: 2))
        #expect(image.byteCount(of: .groupAttributes) == image.zattrs().count)
        #expect(image.byteCount(of: .root) == 0)
    }

    @Test(arguments: [
        "7", "-1", "00", "07", "+1", " 1", "1 ", "1a", "0/.zmetadata", "zarr.json", "99999999999999999999", "\u{661}",
        "0/14", "0/0/40", "0/0/0/40", "0/0/0/0/0", "0/0/0/01", ".zgroup/x", "0/.zattrs", "0/.zarray/0", "0/0/.zarray",
        "",
    ])
    func nothingElseIsThere(_ path: String) throws {
        let image = try image(ZYX(z: 420, y: 10_000, x: 10_000), chunk: ZYX(z: 32, y: 256, x: 256))
        #expect(image.levels.count == 7)
        #expect(image.node(at: path.split(separator: "/", omittingEmptySubsequences: false)) == nil)
    }
}
