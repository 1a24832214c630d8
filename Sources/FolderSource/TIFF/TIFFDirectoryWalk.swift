/// Goes from directory to directory through a file. It reads nothing: it says which bytes it needs next.
///
/// A hostile file costs little: the directories are at most ``mostDirectories``, no two begin at one place, and together
/// they are no longer than the file, so that none of it is read again and again.
struct TIFFDirectoryWalk {
    enum Step {
        /// ``take(_:at:)`` must bring these bytes of the file.
        case needs(Range<Int>)
        case finished
    }

    /// The most directories of a file: a stack has no more planes.
    static let mostDirectories = 10_000
    /// The most entries of a directory. Baseline TIFF has about 40 tags, and known private tags are some hundred.
    static let mostEntries = 4096
    /// Bytes that are read at the start of a file. Most writers put the first directories there.
    private static let firstWindow = 65536
    /// Bytes that are read where a directory lies elsewhere: a page of the kernel, because a directory has about 300.
    private static let furtherWindow = 4096

    private let length: Int
    private var window: [UInt8] = []
    /// Where `window` begins in the file.
    private var windowStart = 0
    private var header: TIFFHeader?
    private var next = 0
    private var visited: Set<Int> = []
    private var walkedBytes = 0

    /// The pages so far.
    private(set) var pages: [TIFFPage] = []
    /// The directory of the first page, whose description speaks for all.
    private(set) var first: TIFFDirectory?

    /// - Parameter length: bytes of the file.
    init(length: Int) { self.length = length }

    /// Takes bytes that the last step needed.
    mutating func take(_ bytes: [UInt8], at start: Int) {
        window = bytes
        windowStart = start
    }

    /// Goes on until all directories are read, or bytes are missing.
    mutating func advance() throws(TIFFFault) -> Step {
        let header: TIFFHeader
        if let known = self.header {
            header = known
        } else {
            guard length >= TIFFHeader.shortest else { throw TIFFFault("the file has \(length) bytes") }
            guard let start = view(0..<min(length, TIFFHeader.longest)) else {
                return .needs(0..<min(length, Self.firstWindow))
            }
            header = try TIFFHeader(start)
            self.header = header
            next = header.firstDirectory
        }
        while next != 0 {
            if let missing = try readDirectory(header) { return .needs(missing) }
        }
        guard !pages.isEmpty else { throw TIFFFault("the file has no page") }
        return .finished
    }

    /// Reads the directory at `next`. Returns the bytes that it lacks.
    private mutating func readDirectory(_ header: TIFFHeader) throws(TIFFFault) -> Range<Int>? {
        let number = visited.count
        guard next <= length - header.countSize else {
            throw TIFFFault("directory \(number) at \(next) is beyond the end of the file")
        }
        guard let countBytes = view(next..<next + header.countSize) else { return missing(header.countSize) }
        let count = header.number(countBytes)
        guard (1...Self.mostEntries).contains(count) else {
            throw TIFFFault("directory \(number) has \(count) entries, not 1 to \(Self.mostEntries)")
        }
        let size = header.countSize + count * header.entrySize + header.offsetSize
        guard size <= length - next else { throw TIFFFault("directory \(number) is longer than the file") }
        guard let bytes = view(next..<next + size) else { return missing(size) }
        guard visited.insert(next).inserted else { throw TIFFFault("the directories form a circle") }
        guard visited.count <= Self.mostDirectories else {
            throw TIFFFault("the file has more than \(Self.mostDirectories) directories")
        }
        walkedBytes += size
        guard walkedBytes <= length else { throw TIFFFault("the directories overlap") }
        let start = bytes.startIndex + header.countSize
        let end = bytes.endIndex - header.offsetSize
        let directory = TIFFDirectory(entries: bytes[start..<end], header)
        if try !directory.isSecondary() {
            do throws(TIFFFault) {
                pages.append(try TIFFPage(directory))
            } catch {
                throw TIFFFault("page \(pages.count): \(error.reason)")
            }
            if first == nil { first = directory }
        }
        next = header.number(bytes[end...])
        return nil
    }

    /// Bytes of the window; nil where it does not hold them all.
    private func view(_ range: Range<Int>) -> ArraySlice<UInt8>? {
        guard !window.isEmpty, range.lowerBound >= windowStart, range.upperBound <= windowStart + window.count else {
            return nil
        }
        return window[range.lowerBound - windowStart..<range.upperBound - windowStart]
    }

    /// The window to read, so that `size` bytes at `next` are in it.
    private func missing(_ size: Int) -> Range<Int> {
        next..<min(length, next + max(size, Self.furtherWindow))
    }
}
