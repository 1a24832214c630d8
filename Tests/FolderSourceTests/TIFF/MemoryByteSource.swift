import Specimens
import Support

@testable import FolderSource

/// A file in memory, which keeps a list of what is read of it.
final class MemoryByteSource: ByteSource {
    private let file: [UInt8]
    /// Where reads are answered; nil answers at once.
    private let pool: WorkerPool?
    private let reads = Monitor<[Range<Int>]>([])
    private let fault = Monitor<SourceError?>(nil)
    private let gate = Monitor(true)

    init(_ file: [UInt8], answeringOn pool: WorkerPool? = nil) {
        self.file = file
        self.pool = pool
    }

    var length: Int { file.count }
    /// The ranges that were read so far.
    var ranges: [Range<Int>] { reads.withLock { $0 } }

    /// Lets every further read fail.
    func fail(_ error: SourceError) { fault.withLock { $0 = error } }

    /// Holds the answers of the pool back, or lets them come.
    func open(_ isOpen: Bool) { gate.update { $0 = isOpen } }

    func read(_ range: Range<Int>, token: CancellationToken) -> Promise<[UInt8], SourceError> {
        reads.withLock { $0.append(range) }
        let answer: Result<[UInt8], SourceError> =
            fault.withLock { $0 }.map { .failure($0) } ?? .success(Array(file[range]))
        guard let pool else { return Promise(answer) }
        let (promise, resolver) = Promise<[UInt8], SourceError>.pending()
        pool.submit { [gate] in
            _ = gate.wait { $0 ? true : nil }
            resolver.resolve(answer)
        }
        return promise
    }
}
