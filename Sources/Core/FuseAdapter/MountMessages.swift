internal import Glibc
internal import Support

/// The text that was written to standard error during a mount. It is sorted into messages of libfuse and fusermount3
/// about the mount, and lines that other threads logged.
struct MountMessages {
    private var own: [Substring] = []
    private var others: [Substring] = []

    init(_ text: String) {
        for line in text.split(separator: "\n") {
            if Self.senders.contains(where: { line.hasPrefix($0) }) { own.append(line) } else { others.append(line) }
        }
    }

    private static let senders = ["fusermount3: ", "fuse: "]

    /// The reason for the refused mount, as libfuse or fusermount3 wrote it; nil when they wrote nothing.
    var reason: String? {
        var reasons: [Substring] = []
        for line in own {
            let sender = Self.senders.first { line.hasPrefix($0) } ?? ""
            let reason = line.dropFirst(sender.count)
            if !reasons.contains(reason) { reasons.append(reason) }
        }
        return reasons.isEmpty ? nil : reasons.joined(separator: "; ")
    }

    /// Writes the lines of other threads to standard error.
    func writeOthers() { Self.write(others) }

    /// Writes the messages about a mount that succeeded nevertheless to standard error.
    func writeOwn() { Self.write(own) }

    private static func write(_ lines: [Substring]) {
        guard !lines.isEmpty else { return }
        do throws(Errno) {
            try writeAll(Array((lines.joined(separator: "\n") + "\n").utf8), to: STDERR_FILENO)
        } catch {
            // This failure could only be reported on standard error, which is what failed.
        }
    }
}
