internal import Support

/// Waits for a number of results and hands them on together, or the first failure.
package final class Gather<Value: Sendable>: Sendable {
    private struct State {
        var values: [Value?]
        var missing: Int
        var isOver = false
    }

    private let state: Monitor<State>
    private let completion: @Sendable (Result<[Value], SpecimenDataError>) -> Void

    /// Waits for `count` results.
    package init(count: Int, completion: @escaping @Sendable (Result<[Value], SpecimenDataError>) -> Void) {
        state = Monitor(State(values: Array(repeating: nil, count: count), missing: count))
        self.completion = completion
    }

    /// Notes the result of part `position`.
    package func arrive(_ outcome: Result<Value, SpecimenDataError>, at position: Int) {
        let verdict = state.withLock { state -> Result<[Value], SpecimenDataError>? in
            guard !state.isOver else { return nil }
            switch outcome {
            case .success(let value):
                state.values[position] = value
                state.missing -= 1
                guard state.missing == 0 else { return nil }
                state.isOver = true
                return .success(state.values.compactMap { $0 })
            case .failure(let error):
                state.isOver = true
                return .failure(error)
            }
        }
        if let verdict { completion(verdict) }
    }
}
