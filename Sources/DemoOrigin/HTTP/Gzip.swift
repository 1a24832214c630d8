import CZlib

enum Gzip {
    /// The bytes as one gzip member (RFC 1952); `nil` when zlib finds no memory.
    static func compress(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = unsafe z_stream()
        // 15 bits of window, plus 16 for the gzip wrapper.
        guard
            unsafe deflateInit2_(
                &stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
        defer { unsafe deflateEnd(&stream) }
        let bound = unsafe Int(deflateBound(&stream, UInt(bytes.count)))
        var source = bytes
        var finished = false
        let compressed = unsafe [UInt8](unsafeUninitializedCapacity: bound) { output, count in
            unsafe source.withUnsafeMutableBufferPointer { input in
                unsafe stream.next_in = input.baseAddress
                unsafe stream.avail_in = UInt32(input.count)
                unsafe stream.next_out = output.baseAddress
                unsafe stream.avail_out = UInt32(output.count)
                finished = unsafe deflate(&stream, Z_FINISH) == Z_STREAM_END
            }
            count = unsafe finished ? Int(stream.total_out) : 0
        }
        return finished ? compressed : nil
    }
}
