import Glibc

/// Page-aligned buffers that are used again, so that a reply of one mebibyte costs no page faults.
@safe package final class BufferPool: @unchecked Sendable {
    // Sendable: one caller at a time holds a buffer, and the monitor guards the free list.
    private let free = unsafe Monitor<[UnsafeMutableRawPointer]>([])
    private let size: Int
    private let limit: Int

    /// - Parameters:
    ///   - size: bytes of a buffer. A larger request is allocated and freed each time.
    ///   - limit: the most free buffers that are kept.
    package init(size: Int, limit: Int) {
        self.size = size
        self.limit = limit
    }

    deinit { unsafe free.withLock { unsafe $0.forEach { unsafe $0.deallocate() } } }

    /// Runs `body` with `count` bytes of uninitialised memory. No other caller uses them during the call.
    package func withBuffer<R>(count: Int, _ body: (UnsafeMutableRawBufferPointer) -> R) -> R {
        guard count <= size else {
            let pointer = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 4096)
            defer { unsafe pointer.deallocate() }
            return unsafe body(UnsafeMutableRawBufferPointer(start: pointer, count: count))
        }
        let pointer =
            unsafe free.withLock { unsafe $0.popLast() }
            ?? UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
        defer {
            let isKept = unsafe free.withLock { list in
                guard unsafe list.count < limit else { return false }
                unsafe list.append(pointer)
                return true
            }
            if !isKept { unsafe pointer.deallocate() }
        }
        return unsafe body(UnsafeMutableRawBufferPointer(start: pointer, count: count))
    }
}
