internal import Support

/// An open file whose bytes are in memory.
final class BytesFile: OpenFile {
    private let bytes: [UInt8]
    let keepsPageCache: Bool
    let bypassesPageCache: Bool

    /// - Parameters:
    ///   - keepsPageCache: whether the bytes are those of every open before.
    ///   - bypassesPageCache: whether each handle has bytes of its own (`.neuronfs/status.json`).
    init(_ bytes: [UInt8], keepsPageCache: Bool = true, bypassesPageCache: Bool = false) {
        self.bytes = bytes
        self.keepsPageCache = keepsPageCache
        self.bypassesPageCache = bypassesPageCache
    }

    func read(offset: Int, count: Int, isDirect: Bool, token: CancellationToken, receiver: any ReadReceiver) {
        let range = clamped(offset: offset, count: count, size: bytes.count)
        receiver.deliver(bytes, range)
    }
}

/// The part of `[offset, offset + count)` that lies in a file of `size` bytes.
func clamped(offset: Int, count: Int, size: Int) -> Range<Int> {
    let low = min(max(offset, 0), size)
    return low..<(count < size - low ? low + max(count, 0) : size)
}
