internal import CPosix
import Glibc

/// Runs `body` while standard error goes to memory, and returns the text that was written there. So a message of a C
/// library, or of a program that it starts, can become part of an error message.
///
/// The descriptor belongs to the whole process, so the text also contains what other threads wrote during the call. The
/// text is empty when there is no memory for it; then everything went to the usual standard error.
package func collectingStandardError<R>(_ body: () -> R) -> (result: R, text: String) {
    let memory = unsafe posix_memory_file("stderr")
    guard memory >= 0 else { return (body(), "") }
    defer { close(memory) }
    let kept = posix_duplicate_cloexec(STDERR_FILENO)
    guard kept >= 0 else { return (body(), "") }
    defer { close(kept) }
    dup2(memory, STDERR_FILENO)
    let result = body()
    dup2(kept, STDERR_FILENO)

    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 12)
    while true {
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe pread(memory, $0.baseAddress, $0.count, bytes.count) }
        guard count > 0 else { break }
        bytes.append(contentsOf: buffer[..<count])
    }
    return (result, String(decoding: bytes, as: UTF8.self))
}
