import Glibc
import Support

/// The block files under one cache directory.
///
///     <directory>/lock                     the owner of the directory (DirectoryLock)
///     <directory>/pins, pins.lock          ids of objects that are never evicted (PinFile)
///     <directory>/removals                 touched by a tool that removes blocks without owning the cache
///     <directory>/blocks-V1/ab/cdef...     one block: 2 + 30 hexadecimal digits of its key's digest
///     <directory>/blocks-V1/ab/tmp.<pid>-<start>.<n>   a block being written
///
/// A block is written under a temporary name in its own directory and renamed, so that a name in the cache always means a
/// file that was written to the end. Nothing is flushed. After a loss of power a block may be empty or partly zero; its
/// checksums show that, and it is fetched again.
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

    /// The digest that a file's name stands for, nil when it is not the name of a block.
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
            // The caller needs the cause. A leftover is removed at the next start.
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

/// The result of reading a block file.
enum BlockReading {
    /// A good block, or the slice of it that was asked for.
    case block(BlockHeader, [UInt8], fileLength: Int)
    /// No such file.
    case missing
    /// A good block of another key that has the same digest, or of another length than that of the slice.
    case other
    /// Not a good block.
    case corrupt
    /// The file system failed.
    case failed(FileFault)
}

extension BlockFiles {
    /// Reads and checks a block.
    ///
    /// - Parameter expected: the key that the block must have; nil accepts any that belongs to the digest.
    func read(_ digest: BlockDigest, expected: BlockKey?) -> BlockReading {
        read(digest, expected: expected, nil) { () throws(FileFault) in try open(digest) }
    }

    /// ``read(_:expected:)`` that never waits: it fails with EAGAIN unless memory has the directory, the name and the bytes.
    ///
    /// - Parameter slice: what to give of the block; nil for all of it. ``BlockReading/other`` when the length is not right.
    func readCached(_ digest: BlockDigest, expected: BlockKey, _ slice: BlockSlice?) -> BlockReading {
        read(digest, expected: expected, slice) { () throws(FileFault) in
            let name = Self.name(digest)
            guard let directory = root.opened else { throw FileFault(name, Errno(rawValue: EAGAIN)) }
            return try directory.openCached(name)
        }
    }

    private func read(
        _ digest: BlockDigest, expected: BlockKey?, _ slice: BlockSlice?, opening: () throws(FileFault) -> CheckedFile
    ) -> BlockReading {
        do throws(FileFault) {
            let file = try opening()
            let length = file.opened.size
            guard let header = try Self.header(of: file, fileLength: length, expected: expected),
                header.digest == digest
            else { return .corrupt }
            if let expected, header.key != expected { return .other }
            if let slice, slice.length != header.dataLength { return .other }
            let wanted = slice?.bytes ?? 0..<header.dataLength
            let proved = header.provable(wanted)
            let data = try file.read(proved.count, at: header.length + proved.lowerBound)
            guard header.proves(data, proved) else { return .corrupt }
            guard wanted != proved else { return .block(header, data, fileLength: length) }
            let start = wanted.lowerBound - proved.lowerBound
            return .block(header, Array(data[start..<start + wanted.count]), fileLength: length)
        } catch {
            return error.isMissing ? .missing : .failed(error)
        }
    }

    private func open(_ digest: BlockDigest) throws(FileFault) -> CheckedFile {
        try root.handle().open(Self.name(digest), O_RDONLY)
    }

    /// Opens the file of a block, to see that it is there and can be read.
    func look(_ digest: BlockDigest) throws(FileFault) { _ = try open(digest) }

    /// Sets the time of the last use on the file of a block, in seconds since 1970.
    func setTime(_ digest: BlockDigest, _ seconds: Double) throws(FileFault) { try open(digest).setTimes(seconds) }

    /// The header of a block without its data, with the file's status. Nil when there is no block whose header is good and
    /// whose file has the right length.
    func header(_ digest: BlockDigest) throws(FileFault) -> (header: BlockHeader, status: FileStatus)? {
        let file = try open(digest)
        let status = file.opened
        guard let header = try Self.header(of: file, fileLength: status.size, expected: nil), header.digest == digest
        else { return nil }
        return (header, status)
    }

    /// Reads as many bytes as most headers have, and a longer header in a second read. The expected key leaves open whether
    /// there are checksums of parts.
    private static func header(
        of file: borrowing CheckedFile, fileLength: Int, expected: BlockKey?
    ) throws(FileFault) -> BlockHeader? {
        let guess = expected.map { BlockHeader.length(of: $0.object, data: BlockHeader.usualData) } ?? 256
        var bytes = try file.read(min(guess, fileLength), at: 0)
        guard let length = BlockHeader.length(announcedBy: bytes), length <= fileLength else { return nil }
        if length > bytes.count { bytes = try file.read(length, at: 0) }
        guard bytes.count >= length, let header = BlockHeader(decoding: Array(bytes[0..<length])) else { return nil }
        return header.length + header.dataLength == fileLength ? header : nil
    }
}
