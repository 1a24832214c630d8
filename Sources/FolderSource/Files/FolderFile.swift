internal import Specimens
internal import Support

/// A file of a folder that is open for reading.
final class FolderFile: ByteSource {
    /// The version that was opened.
    let version: FileVersion
    private let file: CheckedFile

    /// The status of the file when it was opened.
    var status: FileStatus { file.opened }

    init(_ file: consuming CheckedFile) {
        version = FileVersion(file.opened)
        self.file = file
    }

    var length: Int { version.size }

    /// Bytes that are read between two looks at the token.
    private static let step = 8 << 20

    /// The bytes `range` of the file, on the calling thread, which must be one of ``FolderReads``.
    func bytes(_ range: Range<Int>, token: CancellationToken) throws(FolderFault) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < range.count {
            if token.isCancelled { throw .cancelled }
            let start = range.lowerBound + bytes.count
            let part: [UInt8]
            do throws(FileFault) {
                part = try file.read(min(Self.step, range.upperBound - start), at: start)
            } catch {
                throw FolderFault(error)
            }
            guard !part.isEmpty else { throw .tooShort }
            if part.count == range.count { return part }
            bytes += part
        }
        return bytes
    }

    func read(_ range: Range<Int>, token: CancellationToken) -> Promise<[UInt8], SourceError> {
        do throws(FolderFault) {
            return Promise(.success(try bytes(range, token: token)))
        } catch {
            return Promise(.failure(SourceError(.failed, error.description, cause: error)))
        }
    }

    /// Checks that the file is still the version that was opened, after bytes of it were read.
    func checkVersion() throws(FolderFault) {
        let now: FileVersion
        do throws(Errno) {
            now = FileVersion(try FileStatus(of: file.descriptor))
        } catch {
            throw .system(error)
        }
        if now != version { throw .changed(now) }
    }
}

extension FolderFault {
    init(_ fault: FileFault) {
        if case .system(let reason) = fault.cause { self = .system(reason) } else { self = .refused("\(fault)") }
    }
}
