internal import Fetch
internal import Glibc
internal import Layouts
internal import Morphology
internal import SpecimenData
internal import Specimens
internal import Support

/// Cuts a byte range of a (z, y, x) volume into byte ranges of its planes.
private func planeParts(_ range: Range<Int>, planeSize: Int) -> [(plane: Int, bytes: Range<Int>)] {
    guard !range.isEmpty else { return [] }
    return (range.lowerBound / planeSize...(range.upperBound - 1) / planeSize).map { plane in
        let start = plane * planeSize
        return (plane, max(range.lowerBound, start) - start..<min(range.upperBound, start + planeSize) - start)
    }
}

/// All labels as one BigTIFF.
final class LabelVolumeFile: OpenFile {
    private let layout: VolumeTIFF
    private let source: any LabelSource
    private let buffers: BufferPool

    let keepsPageCache = true
    let bypassesPageCache = false

    init(layout: VolumeTIFF, source: any LabelSource, buffers: BufferPool) {
        self.layout = layout
        self.source = source
        self.buffers = buffers
    }

    func read(offset: Int, count: Int, isDirect: Bool, token: CancellationToken, receiver: any ReadReceiver) {
        let range = clamped(offset: offset, count: count, size: layout.fileSize)
        let parts = layout.split(range)
        unsafe buffers.withBuffer(count: range.count) { buffer in
            unsafe buffer.copyBytes(from: layout.headerBytes(parts.header))
            var position = parts.header.count
            for part in planeParts(parts.pixels, planeSize: source.planeBytes) {
                unsafe source.paint(
                    plane: part.plane, bytes: part.bytes,
                    into: UnsafeMutableRawBufferPointer(rebasing: buffer[position..<position + part.bytes.count]))
                position += part.bytes.count
            }
            receiver.deliver(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(buffer)))
        }
    }
}

/// The image stack as one BigTIFF.
final class StackVolumeFile: OpenFile {
    private let layout: VolumeTIFF
    private let images: [PlaneImage?]
    private let specimen: Int
    private let planes: PlaneReader
    private let registry: ObjectRegistry
    /// A plane that changes later is no longer the one this handle shows, whether or not it has read of it: it may have
    /// got pages that the kernel had from another handle.
    private let opened: Int
    private let buffers: BufferPool
    private let pattern: Monitor<ReadPattern>
    private let ahead: PlaneLookahead
    /// The place of each plane among those that there are; of a missing one that of the next.
    private let positions: [Int]

    let bypassesPageCache = false

    /// - Parameter window: tile rows to be ahead of a reader at most.
    init(
        layout: VolumeTIFF, images: [PlaneImage?], specimen: Int, planes: PlaneReader, registry: ObjectRegistry,
        buffers: BufferPool, window: Int
    ) {
        self.layout = layout
        self.images = images
        self.specimen = specimen
        self.planes = planes
        self.registry = registry
        opened = registry.moment
        self.buffers = buffers
        var positions: [Int] = []
        var present = 0
        for image in images {
            positions.append(present)
            if image != nil { present += 1 }
        }
        self.positions = positions
        pattern = Monitor(ReadPattern(longRun: PlaneLookahead.longRun(width: layout.width, planes: planes)))
        ahead = PlaneLookahead(images: images.compactMap { $0 }, specimen: specimen, planes: planes, window: window)
    }

    var keepsPageCache: Bool {
        // Most mounts never see a change: then no plane need be looked at.
        guard registry.moment > 0 else { return true }
        return !hasChanged(since: 0)
    }

    var isCurrent: Bool { registry.moment == opened || !hasChanged(since: opened) }

    private func hasChanged(since moment: Int) -> Bool {
        images.contains { image in
            image.map { registry.hasChanged(PlaneReader.objectID(of: $0, specimen: specimen), since: moment) } ?? false
        }
    }

    func read(offset: Int, count: Int, isDirect: Bool, token: CancellationToken, receiver: any ReadReceiver) {
        let range = clamped(offset: offset, count: count, size: layout.fileSize)
        let parts = layout.split(range)
        let header = layout.headerBytes(parts.header)
        let pieces = planeParts(parts.pixels, planeSize: layout.width * layout.height)
        guard !pieces.isEmpty else { return unsafe receiver.deliver(header.span.bytes) }
        let gather = unsafe Gather<PlaneReader.Copy>(count: pieces.count) { [self] outcome in
            switch unsafe outcome {
            case .failure(.changedUpstream): receiver.fail(.stale)
            case .failure(let error): receiver.fail(.data(error))
            case .success(let copies):
                unsafe buffers.withBuffer(count: range.count) { buffer in
                    unsafe buffer.copyBytes(from: header)
                    var position = parts.header.count
                    for index in pieces.indices {
                        let end = position + pieces[index].bytes.count
                        unsafe copies[index](UnsafeMutableRawBufferPointer(rebasing: buffer[position..<end]))
                        position = end
                    }
                    receiver.deliver(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(buffer)))
                }
            }
        }
        let isInMemory = pieces.allSatisfy { piece in
            images[piece.plane].map { planes.isInMemory($0, specimen: specimen, piece.bytes) } ?? true
        }
        let (isRefused, step) = pattern.withLock { pattern -> (Bool, Lookahead.Step?) in
            let wasLong = pattern.isLong
            if pattern.refuses(range, isInMemory: isInMemory, isDirect: isDirect) { return (true, nil) }
            if wasLong, !pattern.isLong { return (false, ahead.noteJump()) }
            // Who reads in the background is ahead of others.
            guard token.lane == .demand, let progress = pattern.progress(of: range) else { return (false, nil) }
            return (false, note(layout.split(progress.bytes).pixels, start: progress.start))
        }
        if isRefused { return receiver.fail(.unasked) }
        defer { if let step { ahead.carryOut(step) } }
        for (position, piece) in pieces.enumerated() {
            guard let image = images[piece.plane] else {
                unsafe gather.arrive(
                    .success({ unsafe $0.initializeMemory(as: UInt8.self, repeating: 0) }), at: position)
                continue
            }
            planes.version(of: image, specimen: specimen) { [self] version in
                // Asked after the version is known, which may be a later one than that of the open.
                guard !registry.hasChanged(version.objectID, since: opened) else {
                    return unsafe gather.arrive(.failure(.changedUpstream(object: version.objectID)), at: position)
                }
                unsafe planes.read(version, piece.bytes, token: token) { unsafe gather.arrive($0, at: position) }
            }
        }
    }

    func countBlocks(
        forgets: Bool, token: CancellationToken,
        completion: @escaping @Sendable (Result<BlockCount, FileTreeError>) -> Void
    ) {
        let present = images.compactMap { $0 }
        guard !present.isEmpty else { return completion(.success(BlockCount())) }
        let gather = Gather<BlockCount>(count: present.count) { outcome in
            completion(outcome.map { $0.reduce(BlockCount(), +) }.mapError { .data($0) })
        }
        for (position, image) in present.enumerated() {
            planes.version(of: image, specimen: specimen) { [planes] version in
                planes.countBlocks(version, forgets: forgets, token: token) { gather.arrive($0, at: position) }
            }
        }
    }

    /// Notes that a sequential reader has come to `pixels`; missing planes are none.
    private func note(_ pixels: Range<Int>, start: Int?) -> Lookahead.Step? {
        let planeSize = layout.width * layout.height
        let pieces = planeParts(pixels, planeSize: planeSize).filter { images[$0.plane] != nil }
        guard let first = pieces.first, let last = pieces.last else { return nil }
        let band = planes.side * layout.width
        let began = start.flatMap { start -> PlaneLookahead.Row? in
            let byte = max(0, start - layout.headerSize)
            let plane = byte / planeSize
            return images[plane] == nil ? nil : (positions[plane], byte % planeSize / band)
        }
        return ahead.note(
            first: (positions[first.plane], first.bytes.lowerBound / band),
            last: (positions[last.plane], (last.bytes.upperBound - 1) / band),
            start: began)
    }
}
