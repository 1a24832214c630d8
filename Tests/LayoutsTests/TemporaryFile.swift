import Glibc

/// A file in a new directory that goes away with this object.
final class TemporaryFile {
    let path: String
    private let directory: String

    init(_ bytes: [UInt8]) throws {
        var template = Array("/tmp/LayoutsTests.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CannotWrite() }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        path = directory + "/image.tif"
        guard let file = fopen(path, "wb") else { throw CannotWrite() }
        let written = fwrite(bytes, 1, bytes.count, file)
        guard fclose(file) == 0, written == bytes.count else { throw CannotWrite() }
    }

    deinit {
        unlink(path)
        rmdir(directory)
    }

    struct CannotWrite: Error {}
}
