import FuseAdapter
import Glibc
import Support

/// Reads a file once, so that the mount's cache keeps its blocks.
enum FileReadAhead {
    /// Bytes of one read(2): the most that the kernel requests at once, and few enough to stop soon.
    private static let step = 1 << 20

    /// What was done with a file.
    enum Outcome {
        case read
        /// The cache on disk has all its blocks.
        case passedOver
        /// The mount makes the file: it has no blocks.
        case made
    }

    /// Whether the cache on disk lacks a block of `path`.
    static func isLacking(_ path: String) throws(Errno) -> Bool {
        let descriptor = try openFile(path, flags: O_RDONLY)
        defer { close(descriptor) }
        return try BackgroundReading.blocks(descriptor).missing > 0
    }

    /// Reads `path` from beginning to end, unless the cache on disk has all its blocks. Reads of other processes go first.
    ///
    /// The reads bypass the page cache, because the mount's cache on disk keeps the bytes. The kernel also limits the reads
    /// into the page cache that a mount may have under way, so that sixty jobs would delay every other reader.
    ///
    /// - Parameters:
    ///   - isCancelled: called before every step.
    ///   - progress: gets the number of bytes of every step.
    static func read(_ path: String, isCancelled: () -> Bool, progress: (Int) -> Void) throws(Errno) -> Outcome {
        let descriptor = try openFile(path, flags: O_RDONLY | openDirect)
        defer { close(descriptor) }
        let blocks = try BackgroundReading.blocks(descriptor)
        guard blocks.missing > 0 else { return blocks.all > 0 ? .passedOver : .made }
        try BackgroundReading.mark(descriptor)
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: step, alignment: 4096)
        defer { unsafe buffer.deallocate() }
        while !isCancelled() {
            let count = unsafe Glibc.read(descriptor, buffer, step)
            if count == 0 { return .read }
            if count < 0 {
                if errno == EINTR { continue }
                throw Errno.current
            }
            progress(count)
        }
        return .read
    }
}
