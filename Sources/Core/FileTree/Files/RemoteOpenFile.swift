internal import Support
internal import Volumes

/// An open file of the source, read by extents and, for a reader that goes straight through, ahead of it.
final class RemoteOpenFile: OpenFile {
    private let version: FileReader.Version
    private let files: FileReader
    private let ahead: Lookahead

    let keepsPageCache = true
    let bypassesPageCache = false

    init(_ version: FileReader.Version, files: FileReader, window: Int) {
        self.version = version
        self.files = files
        let count = (version.length + version.extentSize - 1) / version.extentSize
        ahead = Lookahead(limit: window, count: count) { index, _, token, isLeft in
            if !files.prefetch(version, extent: index, token: token) { isLeft(0) }
        }
        files.retain(version)
    }

    deinit { files.release(version) }

    func read(offset: Int, count: Int, isDirect: Bool, token: CancellationToken, receiver: any ReadReceiver) {
        let range = clamped(offset: offset, count: count, size: version.length)
        guard !range.isEmpty else { return unsafe receiver.deliver([UInt8]().span.bytes) }
        let step = ahead.note(range.lowerBound / version.extentSize...(range.upperBound - 1) / version.extentSize)
        files.read(version, range, token: token).whenDone { outcome in
            switch outcome {
            case .success(let bytes): unsafe receiver.deliver(bytes.span.bytes)
            case .failure(let error): receiver.fail(.data(error))
            }
        }
        ahead.carryOut(step)
    }

    func countBlocks(
        forgets: Bool, token: CancellationToken,
        completion: @escaping @Sendable (Result<BlockCount, FileTreeError>) -> Void
    ) {
        files.countBlocks(version, forgets: forgets, token: token) { completion($0.mapError { .data($0) }) }
    }
}
