internal import SpecimenData
internal import Specimens
internal import Support

/// The tile rows ahead of the reader of a plane or a stack: all rows of the planes it may come to, in plane order.
final class PlaneLookahead: Sendable {
    /// What is under way for a plane, by its image, since its neighbour was read to the end. Who reads a stack file by file
    /// closes each before the next, and nothing is to be asked for twice because of that.
    typealias Handovers = MemoryCache<Int, CancellationToken>

    private let ahead: Lookahead
    private let images: [PlaneImage]
    /// The first unit of each plane, and behind the last the number of units.
    private let starts: [Int]

    /// - Parameters:
    ///   - images: planes that follow upon each other; where one is missing, the next that there is.
    ///   - window: tile rows to be ahead at most.
    init(images: [PlaneImage], specimen: Int, planes: PlaneReader, window: Int) {
        let starts = images.reduce(into: [0]) { $0.append($0[$0.count - 1] + planes.tileRows(of: $1)) }
        self.starts = starts
        self.images = images
        ahead = Lookahead(limit: window, count: starts[images.count]) { unit, column, token, isLeft in
            let position = Self.position(of: unit, starts)
            planes.version(of: images[position], specimen: specimen) { version in
                planes.prefetch(
                    version, tileRow: unit - starts[position], from: column, token: token, isLeft: isLeft)
            }
        }
    }

    /// A tile row, and the place of its plane among those given.
    typealias Row = (position: Int, row: Int)

    /// Bytes without a gap from which on a reader of a plane `width` px wide is looked ahead for.
    ///
    /// Where a line is shorter than a page of memory and a window's width, here that of a tile, windows have no gaps: then more
    /// than a row of tiles, so that no window of up to that height is long enough. Longer lines leave gaps, and each read
    /// that is refused meanwhile costs 256 single pages.
    static func longRun(width: Int, planes: PlaneReader) -> Int {
        let hasGaps = width > ReadPattern.pageSize + planes.side
        return hasGaps ? ReadPattern.sequentialRun : planes.side * width + ReadPattern.sequentialRun
    }

    /// Notes that a sequential reader has come to the rows from `first` to `last`.
    ///
    /// - Parameter start: where it began, when it is noted for the first time.
    func note(first: Row, last: Row, start: Row?) -> Lookahead.Step {
        let units = unit(first)...unit(last)
        if let start = start.map(unit) {
            // Without the rows read now, so that these are the next in either direction. Nothing follows from the first note.
            if start < units.lowerBound { _ = ahead.note(start...units.lowerBound - 1) }
            if start > units.upperBound { _ = ahead.note(units.upperBound + 1...start) }
        }
        return ahead.note(units)
    }

    private func unit(_ row: Row) -> Int { starts[row.position] + row.row }

    /// Notes that the reader has gone elsewhere.
    func noteJump() -> Lookahead.Step { ahead.noteJump() }

    /// Fetches what lies ahead, and ends what does no more.
    func carryOut(_ step: Lookahead.Step) { ahead.carryOut(step) }

    /// The first read of the plane at `position`: what was fetched of it for a reader of its neighbour ends with this handle.
    func begin(at position: Int, _ handovers: Handovers) {
        let image = images[position].imageID
        guard let token = handovers[image] else { return }
        handovers.remove(image)
        ahead.take(token)
    }

    /// A reader has passed the last or the first pixel of the plane at `position`, on its way to the next or the one before.
    func leave(_ position: Int, upwards: Bool, _ handovers: Handovers) {
        let next = upwards ? position - 1 : position + 1
        guard images.indices.contains(next), let token = ahead.handOver() else { return }
        handovers.insert(token, for: images[next].imageID, cost: 1)
    }

    /// The plane that has the unit: the last that begins at or before it.
    private static func position(of unit: Int, _ starts: [Int]) -> Int {
        var low = 0
        var high = starts.count - 1
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= unit { low = middle } else { high = middle }
        }
        return low
    }
}
