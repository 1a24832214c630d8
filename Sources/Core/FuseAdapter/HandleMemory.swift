internal import CPosix
internal import Support

/// Gives the memory of closed handles back to the system.
///
/// malloc returns only what is free at the end of its heap. One value above, which a cache keeps, holds all that was freed
/// below it: 2,000 closed handles of stack.tif left all of their 5 MB. To look for free pages takes milliseconds, during
/// which no thread gets memory. So it is done when many handles were open at once and most of them are closed.
final class HandleMemory: Sendable {
    private struct State {
        var open = 0
        /// The most handles that were open since memory was last given back.
        var most = 0
    }

    private let state = Monitor(State())

    /// Fewer closed handles than this leave less than 4 MB.
    private static let leastClosed = 1000

    func noteOpen() {
        state.withLock { state in
            state.open += 1
            state.most = max(state.most, state.open)
        }
    }

    func noteClose() {
        let isWorthwhile = state.withLock { state in
            state.open -= 1
            guard state.most - state.open >= max(Self.leastClosed, state.most / 2) else { return false }
            state.most = state.open
            return true
        }
        if isWorthwhile { posix_trim_heap() }
    }
}
