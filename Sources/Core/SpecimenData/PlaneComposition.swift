internal import Support

/// The bytes of one read of a plane, put together as its tiles arrive.
///
/// Only the bytes asked for are kept while the rest is on its way: a mebibyte of a plane 11,000 px wide lies in 22 tiles
/// of together six mebibytes, and 64 waiting readers would hold them all.
final class PlaneComposition: Sendable {
    private struct State {
        /// Made when the first tile arrives: a reader that waits for the source holds nothing.
        var bytes: [UInt8] = []
        var missing: Int
        var isOver = false
    }

    private let state: Monitor<State>
    private let byteCount: Int
    private let completion: @Sendable (Result<[UInt8], SpecimenDataError>) -> Void

    /// Waits for `tiles` tiles, then hands `byteCount` bytes to `completion`; or the first failure.
    init(byteCount: Int, tiles: Int, completion: @escaping @Sendable (Result<[UInt8], SpecimenDataError>) -> Void) {
        state = Monitor(State(missing: tiles))
        self.byteCount = byteCount
        self.completion = completion
    }

    /// Notes one tile. `copy` writes its part into the buffer of the read; it is not called after a failure.
    func arrive(
        _ outcome: Result<[UInt8], SpecimenDataError>, copy: ([UInt8], UnsafeMutableRawBufferPointer) -> Void
    ) {
        let verdict = state.withLock { state -> Result<[UInt8], SpecimenDataError>? in
            guard !state.isOver else { return nil }
            switch outcome {
            case .failure(let error):
                state.isOver = true
                state.bytes = []
                return .failure(error)
            case .success(let pixels):
                if state.bytes.isEmpty {
                    // Not zeroed: the tiles cover every byte.
                    state.bytes = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { _, count in
                        count = byteCount
                    }
                }
                unsafe state.bytes.withUnsafeMutableBytes { unsafe copy(pixels, $0) }
                state.missing -= 1
                guard state.missing == 0 else { return nil }
                state.isOver = true
                defer { state.bytes = [] }
                return .success(state.bytes)
            }
        }
        if let verdict { completion(verdict) }
    }
}
