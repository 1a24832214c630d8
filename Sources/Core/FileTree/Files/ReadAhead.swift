/// Decides, for one open handle, which units to fetch ahead of its reader: extents of a file, or rows of tiles of a plane.
///
/// Nothing is fetched ahead of random reads. A read that goes on where the last one ended, forward or backward, opens a
/// window of one unit, and every further one doubles it up to the limit; a jump closes it at once. So a pass over a file
/// runs at full speed from its fifth unit on, and a training job's random crops cost what they read.
struct ReadAhead: Sendable {
    private enum Direction: Int {
        case forward = 1
        case backward = -1
    }

    /// The most units to be ahead of the reader.
    let limit: Int
    /// Units there are; no other is ever proposed.
    let count: Int

    private var last: ClosedRange<Int>?
    private var direction: Direction?
    /// How many units to be ahead, 0 while the access looks random.
    private(set) var window = 0
    /// The furthest unit proposed in the present direction.
    private var frontier = 0

    /// A state for a handle just opened.
    ///
    /// - Parameters:
    ///   - limit: the most units ahead; 0 never proposes any.
    ///   - count: units of the file.
    init(limit: Int, count: Int) {
        self.limit = max(0, limit)
        self.count = max(0, count)
    }

    /// A read touched `units`. Answers the units to fetch now, the most urgent first; each is proposed once in a run, unless
    /// it is taken back.
    mutating func touched(_ units: ClosedRange<Int>) -> [Int] {
        guard let previous = last else {
            last = units
            return []
        }
        if isRepeat(units, previous) { return direction.map { propose($0, previous) } ?? [] }
        guard let next = continuation(units, previous) else {
            // A jump: forget.
            last = units
            direction = nil
            window = 0
            return []
        }
        if direction == next {
            window = min(limit, max(1, window * 2))
        } else {
            direction = next
            window = min(limit, 1)
            frontier = next == .forward ? units.upperBound : units.lowerBound
        }
        last = units
        return propose(next, units)
    }

    /// Takes back the proposal of `unit` and of those behind it, for which there was no room: the next read of the run
    /// proposes them again, as far as they are still ahead of it.
    mutating func takeBack(_ unit: Int) {
        guard let last else { return }
        switch direction {
        case .forward where unit > last.upperBound: frontier = min(frontier, unit - 1)
        case .backward where unit < last.lowerBound: frontier = max(frontier, unit + 1)
        case .forward, .backward, nil: break
        }
    }

    /// A read of one unit.
    mutating func touched(_ unit: Int) -> [Int] { touched(unit...unit) }

    /// Reads of what was just read, or of the part of it behind the reader, say nothing: a unit is larger than a read, and
    /// the kernel sends the reads of one pass slightly out of order.
    private func isRepeat(_ units: ClosedRange<Int>, _ previous: ClosedRange<Int>) -> Bool {
        if previous.contains(units.lowerBound), previous.contains(units.upperBound) { return true }
        switch direction {
        case .forward: return units.upperBound <= previous.upperBound && units.lowerBound >= previous.lowerBound - 1
        case .backward: return units.lowerBound >= previous.lowerBound && units.upperBound <= previous.upperBound + 1
        case nil: return false
        }
    }

    /// The direction in which `units` goes on from `previous`, nil for a jump. Within a run, landing anywhere in what has
    /// been proposed goes on too.
    private func continuation(_ units: ClosedRange<Int>, _ previous: ClosedRange<Int>) -> Direction? {
        let forwardReach = direction == .forward ? max(previous.upperBound + 1, frontier) : previous.upperBound + 1
        let backwardReach = direction == .backward ? min(previous.lowerBound - 1, frontier) : previous.lowerBound - 1
        if units.upperBound > previous.upperBound, units.lowerBound >= previous.lowerBound,
            units.lowerBound <= forwardReach
        {
            return .forward
        }
        if units.lowerBound < previous.lowerBound, units.upperBound <= previous.upperBound,
            units.upperBound >= backwardReach
        {
            return .backward
        }
        return nil
    }

    private mutating func propose(_ direction: Direction, _ units: ClosedRange<Int>) -> [Int] {
        switch direction {
        case .forward:
            let first = max(frontier, units.upperBound) + 1
            let last = min(units.upperBound + window, count - 1)
            frontier = max(frontier, units.upperBound, last)
            return first <= last ? Array(first...last) : []
        case .backward:
            let first = min(frontier, units.lowerBound) - 1
            let last = max(units.lowerBound - window, 0)
            frontier = min(frontier, units.lowerBound, last)
            return last <= first ? Array((last...first).reversed()) : []
        }
    }
}
