import Logging
import Specimens
import Support
import Testing

@testable import FolderSource

/// Threads and memory for the files of one test.
struct TIFFTesting {
    let pool: WorkerPool
    let decoding: TIFFDecoding

    init(memory: Int = 8 << 20) throws {
        pool = try WorkerPool(name: "decode", count: 2)
        decoding = TIFFDecoding(pool: pool, memory: memory, logger: Logger(label: "test"))
    }

    func open(_ bytes: [UInt8]) throws(TIFFError) -> TIFFFile { try open(MemoryByteSource(bytes)) }

    func open(_ source: any ByteSource) throws(TIFFError) -> TIFFFile {
        try TIFFFile.open(source, decoding: decoding, token: CancellationToken()).wait().get()
    }

    /// The reason why a file is not opened.
    func refusal(_ bytes: [UInt8], _ comment: Comment? = nil) -> String? {
        do throws(TIFFError) {
            _ = try open(bytes)
            Issue.record(comment ?? "the file is opened")
            return nil
        } catch {
            guard case .fault(let fault) = error else {
                Issue.record("\(error)")
                return nil
            }
            return fault.reason
        }
    }
}

extension TIFFFile {
    func rectangle(
        _ page: Int, _ x: Int, _ y: Int, _ width: Int, _ height: Int, token: CancellationToken = CancellationToken()
    ) throws(TIFFError) -> [UInt8] {
        try read(page: page, frame: SourceObject.Frame(x: x, y: y, width: width, height: height), token: token)
            .wait().get()
    }

    /// All pixels of a page.
    func plane(_ page: Int) throws(TIFFError) -> [UInt8] {
        try rectangle(page, 0, 0, pages[page].width, pages[page].height)
    }
}

/// A TIFF made by hand, to damage it. Its one page has 4 x 4 px of 8 bits in one strip without compression.
struct HandmadeTIFF {
    /// Values that fit an entry, SHORT or LONG by their size: LONG for all.
    var fields: [UInt16: UInt32] = [
        256: 4, 257: 4, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 4, 279: 16,
    ]
    /// Counts of fields, 1 where there is none here.
    var counts: [UInt16: UInt32] = [:]
    /// How many directories follow each other.
    var directories = 1
    /// What the last directory gives as the next one.
    var last: UInt32 = 0

    /// The pixels, 0 to 15, then the directories.
    var bytes: [UInt8] {
        func number(_ value: UInt32, _ size: Int) -> [UInt8] {
            (0..<size).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
        }
        var file: [UInt8] = [0x49, 0x49, 42, 0] + number(24, 4) + (0..<16).map { UInt8($0) }
        for index in 0..<directories {
            file += number(UInt32(fields.count), 2)
            for (tag, value) in fields.sorted(by: { $0.key < $1.key }) {
                file += number(UInt32(tag), 2) + number(4, 2) + number(counts[tag] ?? 1, 4) + number(value, 4)
            }
            file += index + 1 < directories ? number(UInt32(file.count + 4), 4) : number(last, 4)
        }
        return file
    }
}
