import Layouts
import Support
import Volumes

/// A volume of random voxels, which is read in bands of rows as images are. A test says which bands are in memory, and when a
/// read is answered.
package final class MemoryVolume: Volume {
    /// Rows of a band, all columns of one plane.
    package struct Band: Hashable, Sendable {
        package var plane: Int
        package var number: Int
    }

    private struct State {
        var inMemory: Set<Band> = []
        var changed: Set<Int> = []
        var pieces: [PlanePiece] = []
        var failure: VolumeError?
        var waiting: [@Sendable () -> Void] = []
    }

    package let geometry: VolumeGeometry
    package let element: VoxelType
    private let bytes: [UInt8]
    private let bandRows: Int
    private let isComputed: Bool
    private let answersLater: Bool
    private let state = Monitor(State())

    /// - Parameters:
    ///   - bandRows: rows that are fetched together.
    ///   - isComputed: whether all voxels are in memory for good.
    ///   - answersLater: whether a read waits for ``answer()``.
    package init(
        shape: ZYX<Int>, element: VoxelType = .uint8, bandRows: Int = 16, isComputed: Bool = false,
        answersLater: Bool = false, seed: UInt64 = 1
    ) {
        var random = Seeded(seed)
        geometry = VolumeGeometry(
            shape: shape, spacing: ZYX(z: 0.28, y: 0.1144, x: 0.1144), origin: ZYX(z: 0, y: 1, x: 2))
        self.element = element
        bytes = (0..<shape.z * shape.y * shape.x * element.byteCount).map { _ in
            UInt8.random(in: 0...255, using: &random)
        }
        self.bandRows = bandRows
        self.isComputed = isComputed
        self.answersLater = answersLater
    }

    /// The byte `part` of a voxel; 0 outside of the volume.
    package func byte(_ z: Int, _ y: Int, _ x: Int, _ part: Int) -> UInt8 {
        let shape = geometry.shape
        guard 0..<shape.z ~= z, 0..<shape.y ~= y, 0..<shape.x ~= x else { return 0 }
        return bytes[((z * shape.y + y) * shape.x + x) * element.byteCount + part]
    }

    /// The bytes of a piece, one by one.
    package func bytes(of piece: PlanePiece) -> [UInt8] {
        let line = piece.columns.count * element.byteCount
        return piece.bytes.map { place in
            byte(
                piece.plane, piece.rows.lowerBound + place / line,
                piece.columns.lowerBound + place % line / element.byteCount, place % element.byteCount)
        }
    }

    private func bands(of piece: PlanePiece) -> [Band] {
        let line = piece.columns.count * element.byteCount
        let first = max(0, piece.rows.lowerBound + piece.bytes.lowerBound / line)
        let last = min(geometry.shape.y - 1, piece.rows.lowerBound + (piece.bytes.upperBound - 1) / line)
        guard first <= last, 0..<geometry.shape.z ~= piece.plane else { return [] }
        return (first / bandRows...last / bandRows).map { Band(plane: piece.plane, number: $0) }
    }

    /// Puts a band into memory.
    package func load(_ band: Band) { state.withLock { _ = $0.inMemory.insert(band) } }

    /// Lets memory forget all bands.
    package func forgetAll() { state.withLock { $0.inMemory = [] } }

    /// What was read by ``read(_:token:)``.
    package var pieces: [PlanePiece] { state.withLock { $0.pieces } }

    /// A new version of a plane is known.
    package func change(_ plane: Int) { state.withLock { _ = $0.changed.insert(plane) } }

    /// Lets every read fail from now on.
    package func fail(_ error: VolumeError) { state.withLock { $0.failure = error } }

    /// Answers the reads that wait.
    package func answer() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for body in waiting { body() }
    }

    package func isCurrent(_ planes: Range<Int>) -> Bool { state.withLock { $0.changed.isDisjoint(with: planes) } }
    package var hasChanged: Bool { state.withLock { !$0.changed.isEmpty } }

    package func readNow(_ piece: PlanePiece, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
        guard cost(of: piece) == .memory else { return false }
        buffer.copyBytes(from: bytes(of: piece))
        return true
    }

    package func cost(of piece: PlanePiece) -> ReadCost {
        isComputed || state.withLock { $0.inMemory.isSuperset(of: bands(of: piece)) } ? .memory : .request
    }

    package func read(_ piece: PlanePiece, token: CancellationToken) -> Promise<VoxelCopy, VolumeError> {
        let (promise, resolver) = Promise<VoxelCopy, VolumeError>.pending()
        let failure = state.withLock { state in
            state.pieces.append(piece)
            return state.failure
        }
        let answer: @Sendable () -> Void = { [self] in
            if let failure { return _ = resolver.resolve(.failure(failure)) }
            for band in bands(of: piece) { load(band) }
            resolver.resolve(.success(VoxelCopy { [self] in $0.copyBytes(from: bytes(of: piece)) }))
        }
        if answersLater { state.withLock { $0.waiting.append(answer) } } else { answer() }
        return promise
    }

    package func isEmpty(_ box: VoxelBox) -> Bool? {
        box.z.allSatisfy { z in
            box.y.allSatisfy { y in
                box.x.allSatisfy { x in (0..<element.byteCount).allSatisfy { byte(z, y, x, $0) == 0 } }
            }
        }
    }

    package func rowsFetched(with row: Int) -> Range<Int> {
        row / bandRows * bandRows..<(row / bandRows + 1) * bandRows
    }

    package func countBlocks(
        in box: VoxelBox, forgets: Bool, token: CancellationToken
    ) -> Promise<BlockCount, VolumeError> {
        let size = box.y.count * box.x.count * element.byteCount
        let all = Set(
            box.z.flatMap { bands(of: PlanePiece(plane: $0, columns: box.x, rows: box.y, bytes: 0..<size)) })
        var count = BlockCount()
        count.blocks = all.count
        count.missing = state.withLock { all.subtracting($0.inMemory).count }
        return Promise(.success(count))
    }
}

extension Volume {
    /// Checks a piece against `expected`: at once where that is possible, and by a read.
    ///
    /// - Returns: whether all ways to read it agree.
    package func gives(_ expected: [UInt8], for piece: PlanePiece) -> Bool {
        func filled(_ body: (UnsafeMutableRawBufferPointer) -> Bool) -> [UInt8]? {
            // Neither 0 nor what a volume has: a byte that is left out is seen.
            var buffer = [UInt8](repeating: 0xA5, count: piece.bytes.count)
            return buffer.withUnsafeMutableBytes(body) ? buffer : nil
        }
        let read = read(piece, token: CancellationToken()).wait()
        let copied = filled { buffer in
            guard case .success(let voxels) = read else { return false }
            voxels.copy(into: buffer)
            return true
        }
        let now = filled { readNow(piece, into: $0) }
        return copied == expected && (now == nil || now == expected)
    }
}
