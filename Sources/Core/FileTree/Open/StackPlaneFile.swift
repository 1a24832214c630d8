internal import Fetch
internal import SpecimenData
internal import Support
internal import VirtualTIFF

/// An open image plane: a TIFF header, then pixels out of tiles that are fetched and decoded on first read.
final class StackPlaneFile: OpenFile {
    private struct State {
        var pattern = ReadPattern()
        var readAhead: ReadAhead
        var isStale = false
        var strip: Strip?
    }

    /// Pixels that a sequential reader will ask for next, page by page.
    private struct Strip {
        var range: Range<Int>
        var bytes: [UInt8]
    }

    /// After a refused read-ahead (see ``ReadPattern``) the kernel asks for its pages one by one. Each lies in up to nine
    /// tiles, which other readers may have pushed out of memory since the page before: 64 readers decoded every tile
    /// thirty times. So a reader known to be sequential gets a whole window put together at its first page.
    private static let stripSize = 1 << 20

    private let layout: PlaneTIFF
    private let version: PlaneReader.Version
    private let next: PlaneReader.Version?
    private let planes: PlaneReader
    private let buffers: BufferPool
    private let state: Monitor<State>

    let keepsPageCache = true
    let bypassesPageCache = false

    /// - Parameters:
    ///   - next: the plane after this one, whose first tiles are fetched when a reader comes to the end of this one.
    ///   - window: tile rows to be ahead at most.
    init(
        layout: PlaneTIFF, version: PlaneReader.Version, next: PlaneReader.Version?, planes: PlaneReader,
        buffers: BufferPool, window: Int
    ) {
        self.layout = layout
        self.version = version
        self.next = next
        self.planes = planes
        self.buffers = buffers
        let rows = version.grid.rows + (next?.grid.rows ?? 0)
        state = Monitor(State(readAhead: ReadAhead(limit: window, count: rows)))
    }

    func read(offset: Int, count: Int, isDirect: Bool, token: CancellationToken, receiver: any ReadReceiver) {
        let range = clamped(offset: offset, count: count, size: layout.fileSize)
        let parts = layout.split(range)
        let header = layout.header[parts.header]
        if parts.pixels.isEmpty {
            return receiver.deliver(layout.header, parts.header)
        }
        let strip = header.isEmpty ? state.withLock { $0.strip } : nil
        let isServed = unsafe buffers.withBuffer(count: range.count) { buffer in
            let pixels = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[parts.header.count...])
            guard unsafe planes.copyIfInMemory(version, parts.pixels, into: pixels) else { return false }
            unsafe buffer.copyBytes(from: header)
            receiver.deliver(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(buffer)))
            return true
        }
        let (refuses, ahead, isStale, wanted) = state.withLock { state in
            let isInMemory = isServed || strip?.range.contains(parts.pixels) == true
            let refuses = state.pattern.refuses(range, isInMemory: isInMemory, isDirect: isDirect)
            // Whole windows again: the pages of the refused one are done.
            if range.count > ReadPattern.pageSize { state.strip = nil }
            guard !refuses, state.pattern.isSequential else {
                return (refuses, [Int](), state.isStale, parts.pixels)
            }
            let band = version.grid.side * version.grid.width
            let rows = parts.pixels.lowerBound / band...(parts.pixels.upperBound - 1) / band
            var wanted = parts.pixels
            if header.isEmpty, range.count <= ReadPattern.pageSize, !isDirect {
                // No tile below those of the page: the reader may stop.
                let end = min((rows.upperBound + 1) * band, version.grid.width * version.grid.height)
                wanted = wanted.lowerBound..<max(wanted.upperBound, min(wanted.lowerBound + Self.stripSize, end))
            }
            return (false, state.readAhead.touched(rows), state.isStale, wanted)
        }
        if isServed { return prefetch(ahead) }
        if isStale { return receiver.fail(.stale) }
        if let strip, strip.range.contains(parts.pixels) {
            let start = parts.pixels.lowerBound - strip.range.lowerBound
            receiver.deliver(strip.bytes, start..<start + parts.pixels.count)
            return prefetch(ahead)
        }
        if refuses { return receiver.fail(.unasked) }
        unsafe planes.read(version, wanted, token: token) { [self] outcome in
            switch unsafe outcome {
            case .success(let copy) where wanted != parts.pixels:
                let bytes = unsafe [UInt8](unsafeUninitializedCapacity: wanted.count) { buffer, count in
                    unsafe copy(UnsafeMutableRawBufferPointer(buffer))
                    count = wanted.count
                }
                state.withLock { $0.strip = Strip(range: wanted, bytes: bytes) }
                receiver.deliver(bytes, 0..<parts.pixels.count)
            case .success(let copy):
                unsafe buffers.withBuffer(count: range.count) { buffer in
                    unsafe buffer.copyBytes(from: header)
                    unsafe copy(UnsafeMutableRawBufferPointer(rebasing: buffer[parts.header.count...]))
                    receiver.deliver(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(buffer)))
                }
            case .failure(.changedUpstream):
                // What this handle has read is of the old image; from now on it is told so.
                state.withLock { $0.isStale = true }
                receiver.fail(.stale)
            case .failure(let error): receiver.fail(.data(error))
            }
        }
        prefetch(ahead)
    }

    private func prefetch(_ rows: [Int]) {
        for row in rows {
            if row < version.grid.rows {
                planes.prefetch(version, tileRow: row)
            } else if let next {
                planes.prefetch(next, tileRow: row - version.grid.rows)
            }
        }
    }
}
