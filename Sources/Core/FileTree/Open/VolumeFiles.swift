internal import Catalogue
internal import Glibc
internal import Morphology
internal import SpecimenData
internal import Support
internal import VirtualTIFF

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
    private let isPresent: [Bool]
    private let buffers: BufferPool

    let keepsPageCache = true
    let bypassesPageCache = false

    init(layout: VolumeTIFF, source: any LabelSource, isPresent: [Bool], buffers: BufferPool) {
        self.layout = layout
        self.source = source
        self.isPresent = isPresent
        self.buffers = buffers
    }

    func read(offset: Int, count: Int, isDirect: Bool, token: CancellationToken, receiver: any ReadReceiver) {
        let range = clamped(offset: offset, count: count, size: layout.fileSize)
        let parts = layout.split(range)
        unsafe buffers.withBuffer(count: range.count) { buffer in
            unsafe buffer.copyBytes(from: layout.headerBytes(parts.header))
            var position = parts.header.count
            for part in planeParts(parts.pixels, planeSize: source.planeBytes) {
                let target = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: buffer[position..<position + part.bytes.count])
                if isPresent[part.plane] {
                    unsafe source.paint(plane: part.plane, bytes: part.bytes, into: target)
                } else {
                    unsafe target.initializeMemory(as: UInt8.self, repeating: 0)
                }
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
    private let buffers: BufferPool
    private let pattern = Monitor(ReadPattern())

    let keepsPageCache = true
    let bypassesPageCache = false

    init(layout: VolumeTIFF, images: [PlaneImage?], specimen: Int, planes: PlaneReader, buffers: BufferPool) {
        self.layout = layout
        self.images = images
        self.specimen = specimen
        self.planes = planes
        self.buffers = buffers
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
        if pattern.withLock({ $0.refuses(range, isInMemory: isInMemory, isDirect: isDirect) }) {
            return receiver.fail(.unasked)
        }
        for (position, piece) in pieces.enumerated() {
            guard let image = images[piece.plane] else {
                unsafe gather.arrive(
                    .success({ unsafe $0.initializeMemory(as: UInt8.self, repeating: 0) }), at: position)
                continue
            }
            planes.version(of: image, specimen: specimen) { [self] version in
                unsafe planes.read(version, piece.bytes, token: token) { unsafe gather.arrive($0, at: position) }
            }
        }
    }
}
