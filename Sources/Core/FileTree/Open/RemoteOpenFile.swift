internal import Fetch
internal import SpecimenData
internal import Support

/// An open file of the origin, read by extents and, for a reader that goes straight through, ahead of it.
final class RemoteOpenFile: OpenFile {
    private let version: FileReader.Version
    private let files: FileReader
    private let readAhead: Monitor<ReadAhead>

    let keepsPageCache = true
    let bypassesPageCache = false

    init(_ version: FileReader.Version, files: FileReader, window: Int) {
        self.version = version
        self.files = files
        readAhead = Monitor(
            ReadAhead(limit: window, count: (version.length + version.extentSize - 1) / version.extentSize))
    }

    func read(offset: Int, count: Int, isDirect: Bool, token: CancellationToken, receiver: any ReadReceiver) {
        let range = clamped(offset: offset, count: count, size: version.length)
        guard !range.isEmpty else { return unsafe receiver.deliver([UInt8]().span.bytes) }
        files.read(version, range, token: token) { outcome in
            switch outcome {
            case .success(let bytes): unsafe receiver.deliver(bytes.span.bytes)
            case .failure(let error): receiver.fail(.data(error))
            }
        }
        let extents = range.lowerBound / version.extentSize...(range.upperBound - 1) / version.extentSize
        for index in readAhead.withLock({ $0.touched(extents) }) { files.prefetch(version, extent: index) }
    }
}
