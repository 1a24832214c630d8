internal import Layouts
internal import Morphology
internal import Support

/// An open plane of labels: a TIFF header, then pixels painted as they are read.
final class LabelPlaneFile: OpenFile {
    private let layout: PlaneTIFF
    private let source: any LabelSource
    private let plane: Int
    private let buffers: BufferPool

    let keepsPageCache = true
    let bypassesPageCache = false

    init(layout: PlaneTIFF, source: any LabelSource, plane: Int, buffers: BufferPool) {
        self.layout = layout
        self.source = source
        self.plane = plane
        self.buffers = buffers
    }

    func read(offset: Int, count: Int, isDirect: Bool, token: CancellationToken, receiver: any ReadReceiver) {
        let range = clamped(offset: offset, count: count, size: layout.fileSize)
        let parts = layout.split(range)
        unsafe buffers.withBuffer(count: range.count) { buffer in
            unsafe buffer.copyBytes(from: layout.header[parts.header])
            unsafe source.paint(
                plane: plane, bytes: parts.pixels,
                into: UnsafeMutableRawBufferPointer(rebasing: buffer[parts.header.count...]))
            receiver.deliver(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(buffer)))
        }
    }
}
