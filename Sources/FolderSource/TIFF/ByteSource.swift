package import Specimens
package import Support

/// The bytes of one file, which is opened at one version: a file of a folder, later an object of a bucket.
package protocol ByteSource: Sendable {
    /// Bytes of the file, 0 or more.
    var length: Int { get }

    /// Reads a range of the file.
    ///
    /// - Parameter range: lies in `0..<length`.
    /// - Returns: exactly `range.count` bytes, on any thread, perhaps at once. It fails with
    ///   ``SourceError/Kind/wrongLength`` where the file has fewer by now.
    func read(_ range: Range<Int>, token: CancellationToken) -> Promise<[UInt8], SourceError>
}

extension ByteSource {
    /// ``read(_:token:)`` for the readers of TIFF. A source that gives another number of bytes causes an error here, so
    /// that the parsers may rely on the number.
    func bytes(_ range: Range<Int>, token: CancellationToken) -> Promise<[UInt8], TIFFError> {
        read(range, token: token).mapError { .source($0) }.flatMap { bytes in
            guard bytes.count == range.count else {
                return Promise(
                    .failure(
                        .source(
                            SourceError(
                                .wrongLength, "\(bytes.count) bytes came for \(range.count) at \(range.lowerBound)"))))
            }
            return Promise(.success(bytes))
        }
    }
}
