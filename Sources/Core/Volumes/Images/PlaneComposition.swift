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

    /// The bytes of the window, or the first failure of a tile.
    let voxels: Promise<VoxelCopy, VolumeError>
    private let resolver: Promise<VoxelCopy, VolumeError>.Resolver
    private let state: Monitor<State>
    private let window: TileWindow

    /// Waits for all `tiles` tiles of a window.
    init(_ window: TileWindow, tiles: Int) {
        self.window = window
        (voxels, resolver) = Promise<VoxelCopy, VolumeError>.pending()
        state = Monitor(State(missing: tiles))
        if tiles == 0 { resolver.resolve(.success(.zeros)) }
    }

    /// Notes a tile, or why there is none. After a failure nothing is kept.
    func arrive(_ outcome: Result<[UInt8], VolumeError>, tile index: Int) {
        let verdict = state.withLock { state -> Result<VoxelCopy, VolumeError>? in
            guard !state.isOver else { return nil }
            switch outcome {
            case .failure(let error):
                state.isOver = true
                state.bytes = []
                return .failure(error)
            case .success(let pixels):
                if state.bytes.isEmpty { state.bytes = buffer() }
                unsafe state.bytes.withUnsafeMutableBytes { unsafe window.compose(index, pixels, into: $0) }
                state.missing -= 1
                guard state.missing == 0 else { return nil }
                state.isOver = true
                defer { state.bytes = [] }
                return .success(unsafe VoxelCopy { [bytes = state.bytes] in unsafe $0.copyBytes(from: bytes) })
            }
        }
        if let verdict { resolver.resolve(verdict) }
    }

    /// Zeroed only where a byte lies beyond the plane: the tiles cover all others.
    private func buffer() -> [UInt8] {
        guard window.isInside else { return [UInt8](repeating: 0, count: window.byteCount) }
        return unsafe [UInt8](unsafeUninitializedCapacity: window.byteCount) { _, count in count = window.byteCount }
    }
}
