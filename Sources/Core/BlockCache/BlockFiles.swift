import Glibc
import Support

/// The block files under one cache directory.
///
///     <directory>/lock                     who owns the cache (DirectoryLock)
///     <directory>/pins, pins.lock          what is never evicted (PinFile)
///     <directory>/removals                 touched by whoever removes blocks without owning the cache
///     <directory>/blocks-V1/ab/cdef...     one block: 2 + 30 hexadecimal digits of its key's digest
///     <directory>/blocks-V1/ab/tmp.<pid>-<start>.<n>   a block being written
///
/// A block is written under a temporary name in its own directory and renamed, so that a name in the cache always means a
/// file that was written to the end. Nothing is flushed: after a loss of power a block may be empty or partly zero, which
/// its checksums tell, and it is fetched again.
struct BlockFiles: Sendable {
    static let blocksName = "blocks-V1"
    static let temporaryPrefix = "tmp."

    /// The cache directory.
    let root: CacheRoot
    /// Distinguishes the temporary files of this process from those of a dead one that had the same pid.
    let writerName: String
    private let numbers = FileNumbers()

    init(root: CacheRoot) {
        self.root = root
        writerName = "\(Self.temporaryPrefix)\(getpid())-\(Instant.now.nanoseconds)."
    }

    /// Numbers the temporary files of one process.
    private final class FileNumbers: Sendable {
        private let last = Monitor(0)
        func next() -> Int {
            last.withLock { last in
                last += 1
                return last
            }
        }
    }

    /// The subdirectory `name` of blocks, relative to the cache directory.
    static func folder(_ name: String) -> String { "\(blocksName)/\(name)" }

    /// The file of a block, relative to the cache directory.
    static func name(_ digest: BlockDigest) -> String {
        let name = digest.hexadecimal
        return "\(blocksName)/\(name.prefix(2))/\(name.dropFirst(2))"
    }

    /// The file of a block, for messages.
    func path(_ digest: BlockDigest) -> String { "\(root.path)/\(Self.name(digest))" }

    /// The subdirectories that exist, sorted.
    func subdirectories() throws(FileFault) -> [String] {
        try root.names(in: Self.blocksName).filter { $0.utf8.count == 2 }.sorted()
    }

    /// The digest a file's name stands for, nil when it is not the name of a block.
    static func digest(subdirectory: String, name: String) -> BlockDigest? {
        BlockDigest(hexadecimal: subdirectory + name)
    }

    /// Writes a block under a temporary name and renames it.
    func write(_ digest: BlockDigest, header: [UInt8], data: [UInt8]) throws(FileFault) {
        let name = Self.name(digest)
        let parent = Self.folder(String(digest.hexadecimal.prefix(2)))
        let temporary = "\(parent)/\(writerName)\(numbers.next())"
        do throws(FileFault) {
            try fill(temporary, header, data)
        } catch {
            guard error.isMissing else { throw error }
            // The subdirectory is not there yet, or the whole directory was deleted.
            try root.renew()
            for missing in [Self.blocksName, parent] { try root.handle().makeDirectory(missing) }
            try fill(temporary, header, data)
        }
        do throws(FileFault) {
            try root.handle().rename(temporary, to: name)
        } catch {
            // The cause is what the caller must hear; a leftover is removed at the next start.
            _ = try? root.handle().remove(temporary)
            throw error
        }
    }

    private func fill(_ name: String, _ header: [UInt8], _ data: [UInt8]) throws(FileFault) {
        let directory = try root.handle()
        var file = try directory.open(name, O_WRONLY | O_CREAT | O_EXCL)
        do throws(FileFault) {
            try file.write(header)
            try file.write(data)
            try file.finish()
        } catch {
            _ = try? directory.remove(name)
            throw error
        }
    }

    /// Removes the file of a block. Returns whether it was there.
    @discardableResult
    func remove(_ digest: BlockDigest) throws(FileFault) -> Bool { try root.handle().remove(Self.name(digest)) }

    /// The status of the file of a block.
    func status(_ digest: BlockDigest) throws(FileFault) -> FileStatus { try root.handle().status(Self.name(digest)) }
}

/// What a look at a block file found.
enum BlockReading {
    /// A good block.
    case block(BlockHeader, [UInt8], fileLength: Int)
    /// No such file.
    case missing
    /// A good block of another key that has the same digest.
    case other
    /// Not a good block: the file's length when it could be told.
    case corrupt
    /// The file system failed.
    case failed(FileFault)
}

extension BlockFiles {
    /// Reads and checks a block.
    ///
    /// - Parameters:
    ///   - expected: the key it must have; nil accepts any that belongs to the digest.
    ///   - touch: called with the good header; answers the time to set on the file, if any.
    func read(
        _ digest: BlockDigest, expected: BlockKey?, touch: (BlockHeader, _ fileLength: Int) -> Double? = { _, _ in nil }
    ) -> BlockReading {
        do throws(FileFault) {
            let file = try open(digest)
            let length = file.opened.size
            guard let header = try Self.header(of: file, fileLength: length, expected: expected),
                header.digest == digest
            else { return .corrupt }
            if let expected, header.key != expected { return .other }
            let data = try file.read(header.dataLength, at: header.length)
            guard data.count == header.dataLength, CRC32C.checksum(data) == header.dataChecksum else {
                return .corrupt
            }
            if let time = touch(header, length) { file.setTimes(time) }
            return .block(header, data, fileLength: length)
        } catch {
            return error.isMissing ? .missing : .failed(error)
        }
    }

    private func open(_ digest: BlockDigest) throws(FileFault) -> CheckedFile {
        try root.handle().open(Self.name(digest), O_RDONLY)
    }

    /// Looks whether the file of a block is there, whatever is in it.
    ///
    /// - Parameter touch: asked when it is; answers the time to set on it.
    func look(_ digest: BlockDigest, touch: () -> Double?) throws(FileFault) {
        let file = try open(digest)
        if let time = touch() { file.setTimes(time) }
    }

    /// The header of a block without its data, with the file's status. Nil when there is no block whose header is good and
    /// whose file has the right length.
    func header(_ digest: BlockDigest) throws(FileFault) -> (header: BlockHeader, status: FileStatus)? {
        let file = try open(digest)
        let status = file.opened
        guard let header = try Self.header(of: file, fileLength: status.size, expected: nil), header.digest == digest
        else { return nil }
        return (header, status)
    }

    /// Reads in one go as much as a header needs as a rule, and the rest of a long one.
    private static func header(
        of file: borrowing CheckedFile, fileLength: Int, expected: BlockKey?
    ) throws(FileFault) -> BlockHeader? {
        let guess = expected.map { BlockHeader.length(of: $0.object) } ?? 256
        var bytes = try file.read(min(guess, fileLength), at: 0)
        guard let length = BlockHeader.length(announcedBy: bytes), length <= fileLength else { return nil }
        if length > bytes.count { bytes = try file.read(length, at: 0) }
        guard bytes.count >= length, let header = BlockHeader(decoding: Array(bytes[0..<length])) else { return nil }
        return header.length + header.dataLength == fileLength ? header : nil
    }
}
