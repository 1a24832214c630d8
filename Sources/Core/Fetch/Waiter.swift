import Specimens
import Support

/// One reader of a block that is under way. Its completion is called exactly once, by the first of the block, a failure and
/// the cancellation.
final class Waiter: Sendable {
    typealias Completion = @Sendable (Result<FetchedBlock, FetchError>) -> Void

    private struct State {
        var completion: Completion?
        /// While the call that made the waiter is still on the stack, results are held back.
        var isHeld = true
        var held: Result<FetchedBlock, FetchError>?
    }

    /// What the reader asked for, with the version it expects and its deadline.
    let request: BlockRequest
    private let state: Monitor<State>
    private let waiting: Counter

    init(_ request: BlockRequest, waiting: Counter, completion: @escaping Completion) {
        self.request = request
        self.waiting = waiting
        state = Monitor(State(completion: completion))
        waiting.add()
    }

    /// Calls the completion, unless it has been called.
    func finish(_ result: Result<FetchedBlock, FetchError>) {
        let completion = state.withLock { state -> Completion? in
            guard !state.isHeld else {
                if state.held == nil { state.held = result }
                return nil
            }
            defer { state.completion = nil }
            return state.completion
        }
        guard let completion else { return }
        waiting.add(-1)
        completion(result)
    }

    /// Gives the reader a block, if it is of the version that the reader expects.
    func finish(_ block: FetchedBlock) {
        if request.accepts(block.version) {
            finish(.success(block))
        } else {
            finish(
                .failure(
                    .changedUpstream(id: request.object.id, old: request.expected ?? "", new: block.version)))
        }
    }

    /// The call that made the waiter ends. A result that is there already is delivered on a worker, because the caller
    /// may hold a lock that the completion needs.
    func release(on workers: WorkerPool) {
        let held = state.withLock { state in
            state.isHeld = false
            return state.held
        }
        guard let held else { return }
        if !workers.submit(.demand, { self.finish(held) }) { finish(held) }
    }
}
