import Support

/// One reader of a block. Its completion is called exactly once, whoever comes first: the block, a failure or the
/// cancellation.
final class Reader: Sendable {
    typealias Completion = @Sendable (Result<FetchedBlock, FetchError>) -> Void

    private struct State {
        var completion: Completion?
        /// While the call that made the reader is still on the stack, results wait.
        var isHeld = true
        var held: Result<FetchedBlock, FetchError>?
        var isCancelled = false
    }

    /// What the reader believes in and until when it waits.
    let plan: BlockPlan
    private let state: Monitor<State>
    private let waiting: Counter

    init(plan: BlockPlan, waiting: Counter, completion: @escaping Completion) {
        self.plan = plan
        self.waiting = waiting
        state = Monitor(State(completion: completion))
        waiting.add()
    }

    /// Whether the completion has been called, or a result for it is there.
    var isFinished: Bool { state.withLock { $0.completion == nil || $0.held != nil } }

    /// Whether the reader has left before there was a result.
    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Calls the completion, unless it has been called.
    func finish(_ result: Result<FetchedBlock, FetchError>) {
        let completion = state.withLock { state -> Completion? in
            if case .failure(.cancelled) = result, state.completion != nil, state.held == nil {
                state.isCancelled = true
            }
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

    /// Gives the reader a block, if it is of the version it believes in.
    func finish(_ block: FetchedBlock) {
        if plan.accepts(block.validator) {
            finish(.success(block))
        } else {
            finish(.failure(.changedUpstream(id: plan.id, old: plan.validator ?? "", new: block.validator)))
        }
    }

    /// The call that made the reader ends. A result that is there already is handed over on a worker, because the caller
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
