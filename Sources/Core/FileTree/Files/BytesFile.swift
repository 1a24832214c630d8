internal import Support

/// Bytes of files that are made here. The handles of a file share them.
typealias SharedBytes = SharedValues<Node, [UInt8]>

/// An open file whose bytes are in memory.
final class BytesFile: OpenFile {
    private let bytes: SharedBytes.Holder

    let keepsPageCache = true
    let bypassesPageCache = false

    init(_ bytes: SharedBytes.Holder) { self.bytes = bytes }

    func read(offset: Int, count: Int, isDirect: Bool, token: CancellationToken, receiver: any ReadReceiver) {
        receiver.deliver(bytes.value, clamped(offset: offset, count: count, size: bytes.value.count))
    }
}

/// The part of `[offset, offset + count)` that lies in a file of `size` bytes.
func clamped(offset: Int, count: Int, size: Int) -> Range<Int> {
    let low = min(max(offset, 0), size)
    return low..<(count < size - low ? low + max(count, 0) : size)
}
