internal import Layouts
internal import Support
internal import Volumes

/// What an open file knows of its reader: which reads it waits for, whether it goes straight through the file, and what is
/// fetched ahead of it.
///
/// After a refused read-ahead (see ``ReadPattern``) the kernel asks for its pages one by one. Each lies in up to nine
/// tiles, which other readers may have pushed out of memory since the page before: 64 readers decoded every tile thirty
/// times. So a reader known to be sequential gets a whole strip put together at its first page.
final class SequentialReader: Sendable {
    /// What is to be done about a read.
    struct Decision {
        /// Whether the read is refused, because the kernel has made it and no process has asked for it.
        var isRefused: Bool
        /// The bytes of the file to put together: those asked for, or a strip.
        var wanted: Range<Int>
        /// What is to be fetched ahead of the reader, or is no more.
        fileprivate var step: Lookahead.Step?
    }

    /// The files beside the one that is open, whose handles take over what was fetched ahead for them.
    ///
    /// A reader of a stack that goes file by file closes each before the next. Nothing is to be asked for twice because of
    /// that.
    struct Neighbours: Sendable {
        /// The name of the open file's image, and those of the images before and after it.
        var own: Int
        var before: Int?
        var after: Int?
        /// What is under way for an image, since its neighbour was read to the end.
        var transfers: MemoryCache<Int, CancellationToken>
    }

    private struct State {
        var pattern: ReadPattern
        var hasStrip = false
        var hasBegun = false
    }

    private let layout: any ArrayLayout
    private let volume: any Volume
    private let rows: any PrefetchRows
    private let neighbours: Neighbours?
    private let ahead: Lookahead
    private let strips: StripCache
    private let handle: UInt64
    private let state: Monitor<State>

    /// - Parameters:
    ///   - rows: what can be fetched ahead of a reader of `volume`.
    ///   - window: the most rows of tiles to be ahead.
    ///   - neighbours: nil for a file that no reader reads on from.
    init(
        of layout: any ArrayLayout, _ volume: any Volume, rows: any PrefetchRows, window: Int, strips: StripCache,
        neighbours: Neighbours? = nil
    ) {
        self.layout = layout
        self.volume = volume
        self.rows = rows
        self.neighbours = neighbours
        self.strips = strips
        handle = strips.newHandle()
        ahead = Lookahead(limit: window, count: rows.count) { rows.prefetch($0, from: $1, token: $2, isLeft: $3) }
        let line = layout.voxels.x.count * layout.bytesPerVoxel
        state = Monitor(State(pattern: ReadPattern(line: line, tileSide: volume.rowsFetched(with: 0).count)))
    }

    deinit { strips.remove(handle) }

    /// Notes a read of `range`, before it is answered, and decides about it.
    ///
    /// - Parameters:
    ///   - cost: of the read.
    ///   - isDirect: whether the process reads past the page cache.
    ///   - lane: of the reader. Nothing is fetched ahead of one in the background: its own reads ask for more than the
    ///     prefetch lane has connections.
    func decide(_ range: Range<Int>, cost: ReadCost, isDirect: Bool, lane: Lane) -> Decision {
        takeTransfer()
        let (decision, dropsStrip) = state.withLock { state -> (Decision, Bool) in
            let wasLong = state.pattern.isLong
            let isRefused = state.pattern.refuses(range, cost: cost, isDirect: isDirect)
            // Whole windows again: the pages of the refused one are done.
            let dropsStrip = state.hasStrip && range.count > ReadPattern.pageSize
            if dropsStrip { state.hasStrip = false }
            var decision = Decision(isRefused: isRefused, wanted: range)
            if wasLong, !state.pattern.isLong { decision.step = ahead.noteJump() }
            if isRefused { return (decision, dropsStrip) }
            if lane == .demand, let progress = state.pattern.progress(of: range) {
                decision.step = note(progress.bytes, start: progress.start)
            }
            if isPage(range), !isDirect, state.pattern.isSequential {
                decision.wanted = strip(around: range, isDescending: state.pattern.isDescending)
            }
            return (decision, dropsStrip)
        }
        if dropsStrip { strips.remove(handle) }
        return decision
    }

    /// Fetches what lies ahead, and ends what does no more.
    func carryOut(_ decision: Decision) {
        if let step = decision.step { ahead.carryOut(step) }
    }
}

// Read-ahead.
extension SequentialReader {
    /// The rows of tiles that a range of the file lies in; nil when it has none.
    private func tileRows(of range: Range<Int>) -> ClosedRange<Int>? {
        var found: ClosedRange<Int>?
        layout.forEachPiece(in: range) { piece in
            let lines = lines(of: piece)
            guard let first = rows.number(plane: piece.plane, row: lines.lowerBound),
                let last = rows.number(plane: piece.plane, row: lines.upperBound)
            else { return }
            found = (found?.lowerBound ?? first)...last
        }
        return found
    }

    /// The rows of its plane that a piece has bytes of.
    private func lines(of piece: PlanePiece) -> ClosedRange<Int> {
        let line = piece.columns.count * layout.bytesPerVoxel
        let first = piece.rows.lowerBound
        return first + piece.bytes.lowerBound / line...first + (piece.bytes.upperBound - 1) / line
    }

    /// Notes that a sequential reader has come to `range`.
    ///
    /// - Parameter start: the byte where it began, when it is noted for the first time.
    private func note(_ range: Range<Int>, start: Int?) -> Lookahead.Step? {
        guard let present = tileRows(of: range) else { return nil }
        let first = start.map { max($0, layout.headerSize) }
        if let start = first.flatMap({ tileRows(of: $0..<$0 + 1)?.lowerBound }) {
            // Without the rows read now, so that these are the next in either direction. Nothing follows from the first note.
            if start < present.lowerBound { _ = ahead.note(start...present.lowerBound - 1) }
            if start > present.upperBound { _ = ahead.note(present.upperBound + 1...start) }
        }
        return ahead.note(present)
    }

    /// At the first read of the handle: what was fetched of the file for a reader of its neighbour ends with this handle.
    private func takeTransfer() {
        guard let neighbours else { return }
        let isFirst = state.withLock { state in
            defer { state.hasBegun = true }
            return !state.hasBegun
        }
        guard isFirst, let token = neighbours.transfers[neighbours.own] else { return }
        neighbours.transfers.remove(neighbours.own)
        ahead.take(token)
    }

    /// Notes that `range` was delivered. With the last bytes on a reader's way through the file, what is under way goes to the
    /// handle that opens the next one.
    func leave(_ range: Range<Int>) {
        guard let neighbours else { return }
        let isFirst = range.lowerBound <= layout.headerSize
        let isLast = range.upperBound == layout.fileSize
        guard isFirst || isLast else { return }
        let (isLong, isDescending) = state.withLock { ($0.pattern.isLong, $0.pattern.isDescending) }
        guard isLong, isDescending ? isFirst : isLast,
            let next = isDescending ? neighbours.before : neighbours.after, let token = ahead.transfer()
        else { return }
        neighbours.transfers.insert(token, for: next, cost: 1)
    }
}

// Strips.
extension SequentialReader {
    private func isPage(_ range: Range<Int>) -> Bool {
        range.lowerBound >= layout.headerSize && range.count <= ReadPattern.pageSize
    }

    /// A page and what its reader asks for next. No tile beyond those of the page: the reader may stop.
    private func strip(around page: Range<Int>, isDescending: Bool) -> Range<Int> {
        var pieces = 0
        var strip = page
        layout.forEachPiece(in: page) { piece in
            pieces += 1
            let line = piece.columns.count * layout.bytesPerVoxel
            let lines = lines(of: piece)
            // Where the plane begins in the file.
            let plane = page.lowerBound - piece.bytes.lowerBound
            if isDescending {
                let row = volume.rowsFetched(with: lines.lowerBound).lowerBound - piece.rows.lowerBound
                let start = max(page.upperBound - StripCache.stripSize, plane + max(0, row * line))
                strip = min(page.lowerBound, start)..<page.upperBound
            } else {
                let row = volume.rowsFetched(with: lines.upperBound).upperBound - piece.rows.lowerBound
                let end = min(page.lowerBound + StripCache.stripSize, plane + min(layout.planeSize, row * line))
                strip = page.lowerBound..<max(page.upperBound, end)
            }
        }
        return pieces == 1 ? strip : page
    }

    /// The strip that holds a page of the file; nil when there is none.
    func strip(holding page: Range<Int>) -> StripCache.Strip? {
        guard isPage(page), let strip = strips[handle], strip.range.contains(page) else { return nil }
        return strip
    }

    /// Keeps the bytes `range` of the file as the strip of this handle.
    func keepStrip(_ range: Range<Int>, _ bytes: [UInt8]) -> StripCache.Strip {
        let strip = StripCache.Strip(range: range, bytes: bytes)
        strips.insert(strip, for: handle)
        state.withLock { $0.hasStrip = true }
        return strip
    }

    /// Delivers a page of a strip; with its last page the strip has done its work.
    func deliver(_ page: Range<Int>, of strip: StripCache.Strip, to receiver: any ReadReceiver) {
        let start = page.lowerBound - strip.range.lowerBound
        receiver.deliver(strip.bytes, start..<start + page.count)
        let isDescending = state.withLock { $0.pattern.isDescending }
        let isLast =
            isDescending ? page.lowerBound == strip.range.lowerBound : page.upperBound == strip.range.upperBound
        if isLast { strips.remove(handle) }
        leave(page)
    }

    /// Forgets the strip of this handle.
    func forgetStrip() { strips.remove(handle) }
}
