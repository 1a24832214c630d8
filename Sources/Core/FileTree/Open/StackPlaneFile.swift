internal import Layouts
internal import SpecimenData
internal import Support

/// An open image plane: a TIFF header, then pixels out of tiles that are fetched and decoded on first read.
///
/// After a refused read-ahead (see ``ReadPattern``) the kernel asks for its pages one by one. Each lies in up to nine
/// tiles, which other readers may have pushed out of memory since the page before: 64 readers decoded every tile thirty
/// times. So a reader known to be sequential gets a whole strip put together at its first page.
final class StackPlaneFile: OpenFile {
    private struct State {
        var pattern: ReadPattern
        var isStale = false
        var hasStrip = false
        var hasBegun = false
    }

    /// What is to be done about a read.
    private struct Decision {
        var isRefused: Bool
        var isStale: Bool
        /// The pixels to put together: those asked for, or a strip.
        var wanted: Range<Int>
        /// What is to be fetched ahead of the reader, or is no more.
        var step: Lookahead.Step?
    }

    private let layout: PlaneTIFF
    private let version: PlaneReader.Version
    private let planes: PlaneReader
    private let ahead: PlaneLookahead
    private let position: Int
    private let handovers: PlaneLookahead.Handovers
    private let buffers: BufferPool
    private let strips: StripCache
    private let handle: UInt64
    private let state: Monitor<State>

    let keepsPageCache = true
    let bypassesPageCache = false

    /// - Parameters:
    ///   - ahead: fetches ahead of the reader, also from the planes before and after this one.
    ///   - position: of this plane among those of `ahead`.
    init(
        layout: PlaneTIFF, version: PlaneReader.Version, planes: PlaneReader, ahead: PlaneLookahead, position: Int,
        handovers: PlaneLookahead.Handovers, buffers: BufferPool, strips: StripCache
    ) {
        self.layout = layout
        self.version = version
        self.planes = planes
        self.ahead = ahead
        self.position = position
        self.handovers = handovers
        self.buffers = buffers
        self.strips = strips
        handle = strips.newHandle()
        let pattern = ReadPattern(longRun: PlaneLookahead.longRun(width: version.grid.width, planes: planes))
        state = Monitor(State(pattern: pattern))
    }

    deinit { strips.remove(handle) }

    func read(offset: Int, count: Int, isDirect: Bool, token: CancellationToken, receiver: any ReadReceiver) {
        let range = clamped(offset: offset, count: count, size: layout.fileSize)
        let parts = layout.split(range)
        let header = layout.header[parts.header]
        if parts.pixels.isEmpty {
            return receiver.deliver(layout.header, parts.header)
        }
        let isPage = header.isEmpty && range.count <= ReadPattern.pageSize && !isDirect
        let strip = isPage ? strips[handle].flatMap { $0.range.contains(parts.pixels) ? $0 : nil } : nil
        func decide(isInMemory: Bool) -> Decision {
            self.decide(
                range, parts.pixels, isInMemory: isInMemory, isDirect: isDirect, isPage: isPage, lane: token.lane)
        }
        let served = unsafe buffers.withBuffer(count: range.count) { buffer -> Decision? in
            let pixels = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[parts.header.count...])
            guard unsafe planes.copyIfInMemory(version, parts.pixels, into: pixels) else { return nil }
            unsafe buffer.copyBytes(from: header)
            let decision = decide(isInMemory: true)
            receiver.deliver(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(buffer)))
            return decision
        }
        let decision = served ?? decide(isInMemory: strip != nil)
        defer { if let step = decision.step { ahead.carryOut(step) } }
        if served != nil { return leave(parts.pixels) }
        if decision.isStale { return receiver.fail(.stale) }
        if let strip { return deliver(parts.pixels, of: strip, receiver) }
        if decision.isRefused { return receiver.fail(.unasked) }
        unsafe planes.read(version, decision.wanted, token: token) { [self] outcome in
            switch unsafe outcome {
            case .success(let copy) where decision.wanted != parts.pixels:
                let wanted = decision.wanted
                let bytes = unsafe [UInt8](unsafeUninitializedCapacity: wanted.count) { buffer, count in
                    unsafe copy(UnsafeMutableRawBufferPointer(buffer))
                    count = wanted.count
                }
                let strip = StripCache.Strip(range: wanted, bytes: bytes)
                strips.insert(strip, for: handle)
                state.withLock { $0.hasStrip = true }
                deliver(parts.pixels, of: strip, receiver)
            case .success(let copy):
                unsafe buffers.withBuffer(count: range.count) { buffer in
                    unsafe buffer.copyBytes(from: header)
                    unsafe copy(UnsafeMutableRawBufferPointer(rebasing: buffer[parts.header.count...]))
                    receiver.deliver(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(buffer)))
                }
                leave(parts.pixels)
            case .failure(.changedUpstream):
                // What this handle has read is of the old image; from now on it is told so.
                state.withLock { $0.isStale = true }
                receiver.fail(.stale)
            case .failure(let error): receiver.fail(.data(error))
            }
        }
    }

    func countBlocks(
        forgets: Bool, token: CancellationToken,
        completion: @escaping @Sendable (Result<BlockCount, FileTreeError>) -> Void
    ) {
        if forgets { strips.remove(handle) }
        planes.countBlocks(version, forgets: forgets, token: token) { completion($0.mapError { .data($0) }) }
    }

    private func decide(
        _ range: Range<Int>, _ pixels: Range<Int>, isInMemory: Bool, isDirect: Bool, isPage: Bool, lane: Lane
    ) -> Decision {
        let isFirst = state.withLock { state in
            defer { state.hasBegun = true }
            return !state.hasBegun
        }
        if isFirst { ahead.begin(at: position, handovers) }
        let (decision, dropsStrip) = state.withLock { state -> (Decision, Bool) in
            let wasLong = state.pattern.isLong
            let isRefused = state.pattern.refuses(range, isInMemory: isInMemory, isDirect: isDirect)
            // Whole windows again: the pages of the refused one are done.
            let dropsStrip = state.hasStrip && range.count > ReadPattern.pageSize
            if dropsStrip { state.hasStrip = false }
            var decision = Decision(isRefused: isRefused, isStale: state.isStale, wanted: pixels)
            if wasLong, !state.pattern.isLong { decision.step = ahead.noteJump() }
            if isRefused { return (decision, dropsStrip) }
            // Who reads in the background is ahead of others: his reads ask for more than prefetch has connections.
            if lane == .demand, let progress = state.pattern.progress(of: range) {
                let rows = rows(of: layout.split(progress.bytes).pixels)
                let start = progress.start.map { (position, max(0, $0 - layout.headerSize) / band) }
                decision.step = ahead.note(
                    first: (position, rows.lowerBound), last: (position, rows.upperBound), start: start)
            }
            if isPage, state.pattern.isSequential {
                decision.wanted = strip(around: pixels, isDescending: state.pattern.isDescending)
            }
            return (decision, dropsStrip)
        }
        if dropsStrip { strips.remove(handle) }
        return decision
    }

    /// Bytes of a row of tiles.
    private var band: Int { version.grid.side * version.grid.width }

    private func rows(of pixels: Range<Int>) -> ClosedRange<Int> {
        pixels.lowerBound / band...(pixels.upperBound - 1) / band
    }

    /// The pixels of a page and of what its reader asks for next. No tile beyond those of the page: the reader may stop.
    private func strip(around page: Range<Int>, isDescending: Bool) -> Range<Int> {
        let rows = rows(of: page)
        if isDescending {
            let start = max(page.upperBound - StripCache.stripSize, rows.lowerBound * band)
            return min(page.lowerBound, start)..<page.upperBound
        }
        let end = min((rows.upperBound + 1) * band, version.grid.width * version.grid.height)
        return page.lowerBound..<max(page.upperBound, min(page.lowerBound + StripCache.stripSize, end))
    }

    /// Hands over a page of a strip; with its last page the strip has done its work.
    private func deliver(_ page: Range<Int>, of strip: StripCache.Strip, _ receiver: any ReadReceiver) {
        let start = page.lowerBound - strip.range.lowerBound
        receiver.deliver(strip.bytes, start..<start + page.count)
        let isDescending = state.withLock { $0.pattern.isDescending }
        let isLast =
            isDescending ? page.lowerBound == strip.range.lowerBound : page.upperBound == strip.range.upperBound
        if isLast { strips.remove(handle) }
        leave(page)
    }

    /// Looks whether the pixels just handed over are the last on a reader's way through the plane.
    private func leave(_ pixels: Range<Int>) {
        let isFirst = pixels.lowerBound == 0
        let isLast = pixels.upperBound == version.grid.width * version.grid.height
        guard isFirst || isLast else { return }
        let (isLong, isDescending) = state.withLock { ($0.pattern.isLong, $0.pattern.isDescending) }
        if isLong, isDescending ? isFirst : isLast { ahead.leave(position, upwards: isDescending, handovers) }
    }
}
