internal import Glibc
internal import Support

/// What was written to standard error while a mount was made, sorted into what libfuse and fusermount3 said of it and
/// what other threads logged.
struct MountWords {
    private var said: [Substring] = []
    private var others: [Substring] = []

    init(_ text: String) {
        for line in text.split(separator: "\n") {
            if Self.speakers.contains(where: { line.hasPrefix($0) }) { said.append(line) } else { others.append(line) }
        }
    }

    private static let speakers = ["fusermount3: ", "fuse: "]

    /// Why the mount was refused, in the speaker's words; nil when nothing was said.
    var reason: String? {
        var reasons: [Substring] = []
        for line in said {
            let speaker = Self.speakers.first { line.hasPrefix($0) } ?? ""
            let reason = line.dropFirst(speaker.count)
            if !reasons.contains(reason) { reasons.append(reason) }
        }
        return reasons.isEmpty ? nil : reasons.joined(separator: "; ")
    }

    /// Writes to standard error what has nothing to do with the mount.
    func passOnOthers() { Self.write(others) }

    /// Writes to standard error what was said of a mount that stands nevertheless.
    func passOnReason() { Self.write(said) }

    private static func write(_ lines: [Substring]) {
        guard !lines.isEmpty else { return }
        do throws(Errno) {
            try writeAll(Array((lines.joined(separator: "\n") + "\n").utf8), to: STDERR_FILENO)
        } catch {
            // Standard error is where this would be told.
        }
    }
}
