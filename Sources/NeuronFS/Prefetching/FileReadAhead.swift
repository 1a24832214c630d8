import FuseAdapter
import Glibc
import Support

/// Reads a file once, for what the mount's cache keeps of it.
enum FileReadAhead {
    /// Bytes of one read(2): the most the kernel asks the mount for at once, few enough to stop soon.
    private static let step = 1 << 20

    /// What there was to do about a file.
    enum Outcome {
        case read
        /// The cache on disk has all of it.
        case passedOver
        /// The mount makes it; there is nothing to keep.
        case made
    }

    /// Whether the cache on disk lacks a block of `path`.
    static func isLacking(_ path: String) throws(Errno) -> Bool {
        let descriptor = try openFile(path, flags: O_RDONLY)
        defer { close(descriptor) }
        return try BackgroundReading.blocks(descriptor).missing > 0
    }

    /// Reads `path` from beginning to end, behind everything that another process waits for, unless the cache on disk has
    /// all of it.
    ///
    /// Past the page cache: the mount's cache on disk keeps the bytes. And the kernel lets only so many reads into the page
    /// cache be under way on a mount, so that those of sixty jobs would hold up every other reader's.
    ///
    /// - Parameters:
    ///   - isCancelled: asked before every step.
    ///   - progress: told the bytes of every step.
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
