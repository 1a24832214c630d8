import Glibc
import Testing

@testable import FolderSource

/// Files of another writer: `NAME.tif`, and in `NAME.raw` the pixels of all pages, little-endian, one page after the other.
@Suite struct TIFFFolderTests {
    private static let folder = getenv("NEURONFS_TIFF_FIXTURES").map { String(cString: $0) }

    @Test(.enabled(if: folder != nil, "NEURONFS_TIFF_FIXTURES names a folder that MountTests/tiff_fixtures.py wrote"))
    func everyFileOfAFolderIsReadPixelForPixel() throws {
        let testing = try TIFFTesting()
        defer { testing.pool.shutdown() }
        let folder = try #require(Self.folder)
        let names = try names(folder)
        #expect(!names.isEmpty)
        for name in names {
            let raw = bytes("\(folder)/\(name).raw")
            do throws(TIFFError) {
                let file = try testing.open(bytes("\(folder)/\(name).tif"))
                var pixels: [UInt8] = []
                for page in file.pages.indices { pixels += try file.plane(page) }
                #expect(pixels == raw, "\(name)")
            } catch {
                Issue.record("\(name): \(error)")
            }
        }
    }

    private func names(_ folder: String) throws -> [String] {
        let directory = try #require(opendir(folder))
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".tif") { names.append(String(name.dropLast(4))) }
        }
        return names.sorted()
    }

    private func bytes(_ path: String) -> [UInt8] {
        guard let file = fopen(path, "rb") else { return [] }
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: ftell(file))
        rewind(file)
        return fread(&bytes, 1, bytes.count, file) == bytes.count ? bytes : []
    }
}
