internal import Support

/// What one open handle has under way ahead of its reader: extents of a file, or rows of tiles.
///
/// When the reader goes elsewhere, or the handle is closed and with it this object gone, what is under way and wanted by
/// nobody else ends.
///
/// A read is noted before it is answered, because with the answer its reader sends the next one, which another thread may
/// take up first; what follows from it is done afterwards, because the reader need not wait for that.
final class Lookahead: Sendable {
    /// Begins to fetch a unit from one of its parts on; calls `isLeft`, on any thread, with the first part for which there is
    /// no room, to be offered it again.
    typealias Fetch =
        @Sendable (
            _ unit: Int, _ part: Int, _ token: CancellationToken, _ isLeft: @escaping @Sendable (_ part: Int) -> Void
        ) -> Void

    /// What follows from a read.
    struct Step: Sendable {
        fileprivate var parts: [(unit: Int, part: Int)] = []
        /// Nil where nothing is to be fetched.
        fileprivate var token: CancellationToken?
        fileprivate var ended: CancellationToken?
    }

    private struct State {
        var readAhead: ReadAhead
        /// Nil while nothing is fetched.
        var token: CancellationToken?
        /// Where units go on for the whole of which there was no room.
        var left: [Int: Int] = [:]

        /// Forgets the window. Returns the token under which it was fetched; nil when there was none.
        mutating func close() -> CancellationToken? {
            defer { (token, left) = (nil, [:]) }
            return token
        }
    }

    private let state: Monitor<State>
    private let fetch: Fetch

    /// - Parameters:
    ///   - limit: the most units to be ahead.
    ///   - count: units there are.
    init(limit: Int, count: Int, fetch: @escaping Fetch) {
        state = Monitor(State(readAhead: ReadAhead(limit: limit, count: count)))
        self.fetch = fetch
    }

    deinit { state.withLock { $0.token }?.cancel() }

    /// Notes that a sequential reader has come to `units`.
    func note(_ units: ClosedRange<Int>) -> Step {
        state.withLock { state in
            let hadWindow = state.readAhead.window > 0
            let proposed = state.readAhead.touched(units)
            let ended = hadWindow && state.readAhead.window == 0 ? state.close() : nil
            if !proposed.isEmpty, state.token == nil { state.token = CancellationToken(lane: .prefetch) }
            let parts = proposed.map { ($0, state.left.removeValue(forKey: $0) ?? 0) }
            return Step(parts: parts, token: state.token, ended: ended)
        }
    }

    /// Notes that the reader has gone elsewhere.
    func noteJump() -> Step {
        state.withLock { state in
            state.readAhead = ReadAhead(limit: state.readAhead.limit, count: state.readAhead.count)
            return Step(ended: state.close())
        }
    }

    /// Fetches what lies ahead, and ends what does no more.
    func carryOut(_ step: Step) {
        step.ended?.cancel()
        guard let token = step.token else { return }
        for (unit, part) in step.parts {
            fetch(unit, part, token) { [weak self] rest in
                self?.state.withLock { state in
                    guard state.token === token else { return }
                    state.left[unit] = rest
                    state.readAhead.takeBack(unit)
                }
            }
        }
    }

    /// Gives away what is under way: it goes on when this handle is closed.
    func transfer() -> CancellationToken? { state.withLock { $0.close() } }

    /// Takes over what another handle gave away, to end with this one.
    func take(_ token: CancellationToken) {
        let ended = state.withLock { state in
            let ended = state.close()
            state.token = token
            return ended
        }
        ended?.cancel()
    }
}
