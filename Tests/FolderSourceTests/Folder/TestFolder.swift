import Glibc
import Specimens
import Support
import TestTools
import Testing

@testable import FolderSource

/// A new folder with files of a test. It goes away with this object.
final class TestFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/neuronfs-folder-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno.current }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) + "/pairs"
        mkdir(path, 0o700)
    }

    deinit { Self.remove(Array(path.utf8.dropLast("/pairs".utf8.count))) }

    /// Removes a file, or a directory with all that is in it. Names need not be UTF-8.
    static func remove(_ path: [UInt8]) {
        let name = path.map { CChar(bitPattern: $0) } + [0]
        if let descriptor = try? openFile(
            String(decoding: path, as: UTF8.self), flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
            let names = try? namesOfDirectory(descriptor)
        {
            for child in names { remove(path + [UInt8(ascii: "/")] + child) }
        }
        Glibc.remove(name)
    }

    func full(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file over the one of that name, without a new inode.
    func write(_ name: String, _ bytes: [UInt8]) throws {
        if let slash = name.lastIndex(of: "/") { try makeDirectories(full(String(name[..<slash]))) }
        let descriptor = try openFile(full(name), flags: O_WRONLY | O_CREAT | O_TRUNC)
        defer { close(descriptor) }
        try writeAll(bytes, to: descriptor)
    }

    func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

    /// Writes a TIFF of some pages, each of `width` x `height` px.
    @discardableResult
    func tiff(
        _ name: String, pages: Int = 2, width: Int = 45, height: Int = 37, bits: Int = 8, seed: Int = 0,
        texts: [UInt32: String] = [:], floats: [UInt32: Double] = [:], numbers: [UInt32: UInt32] = [:]
    ) throws -> [[UInt8]] {
        var fixture = TIFFFixture()
        fixture.bits = bits
        fixture.pages = Array(repeating: TIFFFixture.Page(width: width, height: height), count: pages)
        fixture.texts = texts
        fixture.floats = floats
        fixture.numbers = numbers
        fixture.paint()
        for page in fixture.pages.indices { for byte in 0..<10 { fixture.pages[page].pixels[byte] &+= UInt8(seed) } }
        try write(name, try fixture.written())
        return fixture.pages.map(\.pixels)
    }

    /// Sets the time of a file back by an hour, so that nothing about it is recent.
    func age(_ name: String) {
        let old = timespec(tv_sec: time(nil) - 3600, tv_nsec: 0)
        utimensat(AT_FDCWD, full(name), [old, old], 0)
    }
}

/// A folder source over the folder of a test.
final class FolderBench {
    let folder: TestFolder
    let log = LogBook()
    let workers: WorkerPool
    let source: FolderSource

    init(_ folder: TestFolder, options: String = ",spacing=0.5,0.25,2", timeout: Double = 30) throws {
        self.folder = folder
        workers = try WorkerPool(name: "bench", count: 2)
        source = try FolderSource(
            try FolderLocation("folder:\(folder.path)\(options)"), workers: workers, timeout: timeout, pause: 0,
            logger: log.logger)
    }

    func close() {
        source.blocks.shutDown()
        workers.shutdown()
    }

    /// Goes over the folder again and waits until all have heard of it.
    func rescan() throws -> SpecimenList {
        while true {
            switch source.refresh(acceptsLosses: false).wait() {
            case .success(let list): return list
            case .failure(let error): if error.kind != .cancelled { throw error }
            }
        }
    }

    var names: [String] { source.list.specimens.map(\.place.folder).sorted() }

    func specimen(_ name: String) throws -> Specimen {
        try #require(source.list.specimens.first { $0.place.folder == name }, "\(name) is not in the list")
    }

    func objects(_ name: String) throws -> SpecimenObjects {
        try source.objects(of: try specimen(name), token: CancellationToken()).wait().get()
    }

    func stat(_ object: SourceObject) throws -> ObjectRecord {
        try source.blocks.stat(object, counts: false, token: CancellationToken()).wait().get()
    }

    func block(_ request: BlockRequest) throws(SourceError) -> SourceBlock {
        let (promise, resolver) = Promise<SourceBlock, SourceError>.pending()
        _ = source.blocks.start(request) { resolver.resolve($0) }
        return try promise.wait().get()
    }

    /// The whole of a small file.
    func bytes(_ object: SourceObject, expecting version: String? = nil) throws -> [UInt8] {
        let length = try #require(try stat(object).length)
        return try block(BlockRequest(object: object, part: .extent(0, length: length), expected: version)).bytes
    }

    /// A tile of plane `index` of a stack.
    func request(
        _ name: String, plane index: Int, _ frame: SourceObject.Frame, level: Int = 0, expecting version: String? = nil
    ) throws -> BlockRequest {
        let plane = try #require(try objects(name).stack?.plane(at: index))
        let object = SourceObject(
            id: .image(plane.imageID, of: try specimen(name).id),
            frame: SourceObject.Frame(x: plane.x, y: plane.y, width: plane.width, height: plane.height))
        return BlockRequest(
            object: object,
            part: .tile(BlockPart.Tile(index: 0, level: level, side: 512, frame: frame, bits: plane.bits)),
            expected: version)
    }

    /// All pixels of a plane.
    func pixels(_ name: String, plane index: Int, expecting version: String? = nil) throws -> [UInt8] {
        let plane = try #require(try objects(name).stack?.plane(at: index))
        let frame = SourceObject.Frame(x: 0, y: 0, width: plane.width, height: plane.height)
        return try block(try request(name, plane: index, frame, expecting: version)).bytes
    }
}

/// The kind of the error that `body` throws; nil where it throws none of a source.
func kind(_ body: () throws -> Void) -> SourceError.Kind? {
    do {
        try body()
        return nil
    } catch {
        return (error as? SourceError)?.kind
    }
}
