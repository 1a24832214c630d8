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
    }

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
        let isServed = unsafe buffers.withBuffer(count: range.count) { buffer in
            let pixels = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[parts.header.count...])
            guard unsafe planes.copyIfInMemory(version, parts.pixels, into: pixels) else { return false }
            unsafe buffer.copyBytes(from: header)
            receiver.deliver(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(buffer)))
            return true
        }
        let (refuses, ahead, isStale) = state.withLock { state in
            let refuses = state.pattern.refuses(range, isInMemory: isServed, isDirect: isDirect)
            guard !refuses, state.pattern.isSequential else { return (refuses, [Int](), state.isStale) }
            let side = version.grid.side * version.grid.width
            let rows = parts.pixels.lowerBound / side...(parts.pixels.upperBound - 1) / side
            return (false, state.readAhead.touched(rows), state.isStale)
        }
        if isServed { return prefetch(ahead) }
        if isStale { return receiver.fail(.stale) }
        if refuses { return receiver.fail(.unasked) }
        unsafe planes.read(version, parts.pixels, token: token) { [self] outcome in
            switch unsafe outcome {
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
