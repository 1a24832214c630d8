import Glibc
import Support

/// Reads a file once, for what the mount keeps of it.
enum FileReadAhead {
    /// Bytes of one read(2): eight times what the kernel asks the mount for at once, few enough to stop soon.
    private static let step = 1 << 20

    /// Reads `path` from beginning to end. Its pages are dropped behind the reader, so that reading a terabyte ahead does not
    /// push everything else out of memory; the mount's cache on disk keeps the bytes.
    ///
    /// - Parameters:
    ///   - isCancelled: asked before every step.
    ///   - progress: told the bytes of every step.
    static func read(_ path: String, isCancelled: () -> Bool, progress: (Int) -> Void) throws(Errno) {
        let descriptor = try openFile(path, flags: O_RDONLY)
        defer { close(descriptor) }
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
        var buffer = [UInt8](repeating: 0, count: step)
        var offset = 0
        while !isCancelled() {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return }
            if count < 0 {
                if errno == EINTR { continue }
                throw Errno.current
            }
            _ = posix_fadvise(descriptor, offset, count, POSIX_FADV_DONTNEED)
            offset += count
            progress(count)
        }
    }
}
