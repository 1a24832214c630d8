import Glibc
import Specimens
import Support
import TestTools
import Testing

@testable import FolderSource

/// What a folder must not show, and what must not hold it up.
@Suite struct FolderSafetyTests {
    /// Links to files outside of the folder, in the ways that a link can be spelt.
    @Test(arguments: [
        "/etc/passwd", "../../outside.swc", "../../../../../../etc/passwd", "/proc/self/environ", "OUTSIDE",
    ])
    func aLinkOutOfTheFolderServesNothing(_ target: String) throws {
        let folder = try TestFolder()
        try folder.write("../outside.swc", "secret")
        try folder.write("a/ok.marker", "")
        let target = target == "OUTSIDE" ? folder.full("../outside.swc") : target
        symlink(target, folder.full("a/x.swc"))
        symlink(target, folder.full("flat.swc"))
        let bench = try FolderBench(folder)
        defer { bench.close() }
        #expect(bench.names == [] && bench.log.messages(.warning).count == 2)
        for name in ["a", "flat"] {
            let id = FolderPair.id(of: name, source: bench.source.identity)
            let object = SourceObject(id: .file(FolderPair.skeletonNumber, of: id))
            #expect(kind { _ = try bench.stat(object) } == .failed)
            #expect(
                kind { _ = try bench.block(BlockRequest(object: object, part: .extent(0, length: 6), expected: nil)) }
                    == .failed)
        }
    }

    @Test func aDirectoryThatIsALinkOutOfTheFolderIsNoCell() throws {
        let folder = try TestFolder()
        try folder.write("../other/a.swc", "secret")
        symlink("../other", folder.full("linked"))
        symlink(folder.full("../other"), folder.full("absolute"))
        try folder.write("a/a.swc", "")
        symlink("../../other", folder.full("a/stack"))
        let bench = try FolderBench(folder)
        defer { bench.close() }
        #expect(bench.names == ["a"] && bench.log.messages(.warning).count == 3)
    }

    @Test func aLinkInsideTheFolderIsFollowed() throws {
        let folder = try TestFolder()
        try folder.write("shared/original.swc", "shared")
        try folder.write("a/b.marker", "")
        symlink("../shared/original.swc", folder.full("a/x.swc"))
        symlink("a", folder.full("c"))
        let bench = try FolderBench(folder)
        defer { bench.close() }
        #expect(bench.names == ["a", "c", "shared"] && bench.log.messages(.warning).isEmpty)
        for name in bench.names {
            #expect(try bench.bytes(#require(try bench.objects(name).skeleton)) == Array("shared".utf8))
        }
    }

    /// A link that is planted after the scan, in the place of a file that was there.
    @Test func aLinkThatIsPlantedLaterServesNothing() throws {
        let folder = try TestFolder()
        try folder.write("a/x.swc", "honest")
        try folder.tiff("a/x.tif")
        let bench = try FolderBench(folder)
        defer { bench.close() }
        let skeleton = try #require(try bench.objects("a").skeleton)
        let tile = try bench.request("a", plane: 0, SourceObject.Frame(x: 0, y: 0, width: 5, height: 5))
        for name in ["a/x.swc", "a/x.tif"] {
            unlink(folder.full(name))
            symlink("/etc/passwd", folder.full(name))
        }
        #expect(kind { _ = try bench.stat(skeleton) } == .failed)
        #expect(
            kind { _ = try bench.block(BlockRequest(object: skeleton, part: .extent(0, length: 6), expected: nil)) }
                == .failed)
        #expect(kind { _ = try bench.block(tile) } == .failed)
    }

    @Test func whatIsNoRegularFileIsRefusedAtOnce() throws {
        let folder = try TestFolder()
        for name in ["fifo", "socket", "directory", "device"] { try folder.write("\(name)/b.marker", "") }
        mkfifo(folder.full("fifo/a.swc"), 0o600)
        mkfifo(folder.full("fifo/a.tif"), 0o600)
        mkfifo(folder.full("fifo/meta.json"), 0o600)
        mkfifo(folder.full("flat.tif"), 0o600)
        mkdir(folder.full("directory/a.swc"), 0o700)
        mkdir(folder.full("directory/stack"), 0o700)
        mkfifo(folder.full("directory/stack/1.tif"), 0o600)
        mkdir(folder.full("x.swc"), 0o700)
        let isDevice = mknod(folder.full("device/a.swc"), S_IFCHR | 0o600, 0x0101) == 0
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = folder.full("socket/a.swc")
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { space in
            guard path.utf8.count < space.count else { return false }
            space.copyBytes(from: path.utf8)
            return true
        }
        try #require(fits)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        try #require(isBound)
        let bench = try FolderBench(folder)
        defer { bench.close() }
        #expect(bench.names == [])
        #expect(bench.log.messages(.warning).count == (isDevice ? 9 : 8))
    }

    @Test func whatIsNoFolderIsRefusedInASentence() throws {
        let folder = try TestFolder()
        try folder.write("file", "x")
        func refusal(_ path: String) -> String? {
            do {
                let workers = try WorkerPool(name: "bench", count: 1)
                defer { workers.shutdown() }
                _ = try FolderSource(
                    try FolderLocation("folder:\(path),name=a"), workers: workers, timeout: 30, logger: LogBook().logger
                )
                return nil
            } catch {
                return "\(error)"
            }
        }
        #expect(refusal(folder.full("file"))?.contains("Not a directory") == true)
        #expect(refusal(folder.full("nothing"))?.contains("No such file or directory") == true)
    }

    @Test func aMountOfNeuronFSIsKnownByItsDevice() {
        let table = """
            22 1 254:1 / / rw,relatime - ext4 /dev/root rw
            31 22 0:45 / /mnt/a\\040b rw,nosuid shared:1 - fuse.neuronfs neuronfs ro,user_id=0
            32 22 0:46 / /mnt/c rw,nosuid - fuse.sshfs host ro,user_id=0
            33 22 4660:74565 / /mnt/d ro - fuse.neuronfs neuronfs ro
            """
        #expect(FolderRoot.lists(neuronFS: 45, table) && !FolderRoot.lists(neuronFS: 46, table))
        #expect(!FolderRoot.lists(neuronFS: 254 << 8 | 1, table) && !FolderRoot.lists(neuronFS: 47, table))
        // Major 0x1234 and minor 0x12345, as the C library packs them into a dev_t.
        let large: UInt = (0x1234 & 0xFFF) << 8 | (0x1234 & ~0xFFF) << 32 | (0x12345 & 0xFF) | (0x12345 & ~0xFF) << 12
        #expect(FolderRoot.lists(neuronFS: large, table))
    }
}
