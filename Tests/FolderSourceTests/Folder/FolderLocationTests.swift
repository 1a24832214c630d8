import Specimens
import Testing

@testable import FolderSource

@Suite struct FolderLocationTests {
    @Test(arguments: [
        ("folder:/data/pairs", "/data/pairs", "pairs", nil),
        ("folder:/data/pairs/", "/data/pairs/", "pairs", nil),
        ("folder:pairs,name=Ä b", "pairs", "Ä b", nil),
        ("folder:/a,b/c,d,spacing=0.1,0.2,3", "/a,b/c,d", "c,d", VoxelSpacing(x: 0.1, y: 0.2, z: 3)),
        ("folder:/a,spacing=1,1,1e6,name=b,c", "/a", "b,c", VoxelSpacing(x: 1, y: 1, z: 1e6)),
        ("folder:/,name=b", "/", "b", nil),
    ])
    func aLocationHasAPathANameAndASpacing(_ text: String, _ path: String, _ name: String, _ spacing: VoxelSpacing?)
        throws
    {
        let location = try FolderLocation(text)
        #expect(location.path == path && location.name == name && location.spacing == spacing)
        #expect(try FolderLocation(location.description) == location)
    }

    @Test(arguments: [
        ("pairs", "does not begin"), ("folder:", "names no folder"), ("folder:,name=a", "names no folder"),
        ("folder:/", "add ,name=NAME"), ("folder:..", "add ,name=NAME"), ("folder:/a,name=", "cannot be the name"),
        ("folder:/a,name=.b", "cannot be the name"), ("folder:/a,name=b/c", "cannot be the name"),
        ("folder:/a,name=b,name=c", "two names"), ("folder:/a,spacing=1,1,1,spacing=1,1,1", "two spacings"),
        ("folder:/a,spacing=1,1", "three numbers"), ("folder:/a,spacing=1,1,1,1", "three numbers"),
        ("folder:/a,spacing=1,0,1", "three numbers"), ("folder:/a,spacing=1,1,-1", "three numbers"),
        ("folder:/a,spacing=1,1,nan", "three numbers"), ("folder:/a,spacing=1,1,inf", "three numbers"),
        ("folder:/a,spacing=1,1,1000001", "three numbers"), ("folder:/a,spacing=", "three numbers"),
        ("folder:/a\u{0}b,name=c", "NUL"), ("folder:/a,name=\(String(repeating: "ä", count: 128))", "255 bytes"),
    ])
    func everyOtherTextIsRefusedInASentence(_ text: String, _ part: String) {
        let error = #expect(throws: FolderLocationError.self) { try FolderLocation(text) }
        #expect(error?.description.contains(part) == true)
    }
}
