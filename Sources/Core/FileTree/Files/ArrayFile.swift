internal import Layouts
internal import Support
internal import Volumes

/// An open file that shows a volume in a layout. It serves every layout of every volume.
final class ArrayFile: OpenFile {
    private let layout: any ArrayLayout
    private let volume: any Volume
    private let buffers: BufferPool
    private let reader: SequentialReader?

    let bypassesPageCache = false
    var isCurrent: Bool { volume.isCurrent }
    var keepsPageCache: Bool { !volume.hasChanged }

    /// - Parameter reader: what is known of the reader of this handle. Nil where that is of no use: all voxels are computed,
    ///   or the whole file is one tile. Then no read is refused, nothing is fetched ahead, and no lock is taken here.
    init(_ layout: any ArrayLayout, of volume: any Volume, buffers: BufferPool, reader: SequentialReader? = nil) {
        self.layout = layout
        self.volume = volume
        self.buffers = buffers
        self.reader = reader
    }

    func read(offset: Int, count: Int, isDirect: Bool, token: CancellationToken, receiver: any ReadReceiver) {
        let range = clamped(offset: offset, count: count, size: layout.fileSize)
        guard volume.isCurrent(planes(of: range)) else { return receiver.fail(.stale) }
        guard let reader, !range.isEmpty, range.upperBound > layout.headerSize else {
            if !deliverNow(range, to: receiver) { fetch(range, token: token, for: receiver) }
            return
        }
        func decide(_ cost: ReadCost) -> SequentialReader.Decision {
            reader.decide(range, cost: cost, isDirect: isDirect, lane: token.lane)
        }
        var served: SequentialReader.Decision?
        if deliverNow(range, to: receiver, noting: { served = decide(.memory) }), let served {
            reader.carryOut(served)
            return reader.leave(range)
        }
        let strip = isDirect ? nil : reader.strip(holding: range)
        let decision = decide(strip != nil ? .memory : cost(of: range))
        defer { reader.carryOut(decision) }
        if let strip { return reader.deliver(range, of: strip, to: receiver) }
        if decision.isRefused { return receiver.fail(.speculative) }
        fetch(range, wanted: decision.wanted, token: token, for: receiver)
    }

    func countBlocks(
        forgets: Bool, token: CancellationToken,
        completion: @escaping @Sendable (Result<BlockCount, FileTreeError>) -> Void
    ) {
        if forgets { reader?.forgetStrip() }
        volume.countBlocks(in: layout.voxels, forgets: forgets, token: token).whenDone {
            completion($0.mapError { .data($0) })
        }
    }

    /// The planes that a range of the file depends on: those of its voxels. A file of one plane depends on it as a whole.
    private func planes(of range: Range<Int>) -> Range<Int> {
        let all = layout.voxels.z
        guard all.count > 1 else { return all }
        var planes = all.lowerBound..<all.lowerBound
        layout.forEachPiece(in: range) { planes = (planes.isEmpty ? $0.plane : planes.lowerBound)..<$0.plane + 1 }
        return planes
    }

    /// Delivers a range whose voxels are in memory.
    ///
    /// - Parameter note: called before the answer. With it the reader sends its next read, which another thread may take up
    ///   first.
    /// - Returns: false, with nothing delivered, when a voxel is not in memory.
    private func deliverNow(_ range: Range<Int>, to receiver: any ReadReceiver, noting note: () -> Void = {}) -> Bool {
        unsafe buffers.withBuffer(count: range.count) { buffer in
            let header = layout.headerBytes(range)
            unsafe buffer.copyBytes(from: header)
            var position = header.count
            var isWhole = true
            layout.forEachPiece(in: range) { piece in
                let end = position + piece.bytes.count
                isWhole =
                    unsafe isWhole
                    && volume.readNow(piece, into: UnsafeMutableRawBufferPointer(rebasing: buffer[position..<end]))
                position = end
            }
            guard isWhole else { return false }
            note()
            receiver.deliver(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(buffer)))
            return true
        }
    }

    private func cost(of range: Range<Int>) -> ReadCost {
        var cost = ReadCost.memory
        layout.forEachPiece(in: range) { cost = max(cost, volume.cost(of: $0)) }
        return cost
    }

    /// Fetches a range and delivers it.
    ///
    /// - Parameter wanted: the range to fetch, when it is more than `range`; it is kept as the strip of this handle.
    private func fetch(
        _ range: Range<Int>, wanted: Range<Int>? = nil, token: CancellationToken, for receiver: any ReadReceiver
    ) {
        let wanted = wanted ?? range
        var reads: [Promise<VoxelCopy, VolumeError>] = []
        var sizes: [Int] = []
        layout.forEachPiece(in: wanted) { piece in
            reads.append(volume.read(piece, token: token))
            sizes.append(piece.bytes.count)
        }
        let header = layout.headerBytes(wanted)
        Promise.all(reads).whenDone { [self, sizes] outcome in
            switch outcome {
            case .failure(.changedUpstream): receiver.fail(.stale)
            case .failure(let error): receiver.fail(.data(error))
            case .success(let voxels):
                func fill(_ buffer: UnsafeMutableRawBufferPointer) {
                    unsafe buffer.copyBytes(from: header)
                    var position = header.count
                    for (size, voxels) in zip(sizes, voxels) {
                        unsafe voxels.copy(
                            into: UnsafeMutableRawBufferPointer(rebasing: buffer[position..<position + size]))
                        position += size
                    }
                }
                if let reader, wanted != range {
                    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: wanted.count) { buffer, count in
                        unsafe fill(UnsafeMutableRawBufferPointer(buffer))
                        count = wanted.count
                    }
                    return reader.deliver(range, of: reader.keepStrip(wanted, bytes), to: receiver)
                }
                unsafe buffers.withBuffer(count: range.count) { buffer in
                    unsafe fill(buffer)
                    receiver.deliver(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(buffer)))
                }
                reader?.leave(range)
            }
        }
    }
}
