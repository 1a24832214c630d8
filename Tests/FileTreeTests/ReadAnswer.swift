import FileTree
import Support
import Testing

/// Takes the answer of a read, and fails the test when there are two.
final class ReadAnswer: ReadReceiver {
    private let result = Monitor<Result<[UInt8], FileTreeError>?>(nil)

    func deliver(_ bytes: RawSpan) {
        let copy = bytes.withUnsafeBytes { Array($0) }
        take(.success(copy))
    }

    func fail(_ error: FileTreeError) { take(.failure(error)) }

    private func take(_ answer: Result<[UInt8], FileTreeError>) {
        result.update { result in
            #expect(result == nil, "a read is answered once")
            result = answer
        }
    }

    /// The answer so far.
    var now: Result<[UInt8], FileTreeError>? { result.withLock { $0 } }

    /// The answer, however long it takes.
    func wait() -> Result<[UInt8], FileTreeError> { result.wait { $0 } }
}
