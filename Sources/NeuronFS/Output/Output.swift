import Glibc
import Support

/// Text for a person, on standard output and standard error. Commands print through this type alone. It escapes control
/// characters in quoted text (`OutsideText`).
enum Output {
    /// The first error of a write to standard output; nil without one.
    private static let refusal = Monitor<Errno?>(nil)

    /// A line on standard output. A line that cannot be written makes the command fail in the end (``finish()``). Until then
    /// the command goes on with its work.
    static func line(_ text: String = "") { picture(OutsideText.lines(text)) }

    /// A picture of escape sequences on standard output, unchanged; otherwise the same as ``line(_:)``.
    static func picture(_ text: String) {
        do throws(Errno) {
            try writeAll(Array((text + "\n").utf8), to: STDOUT_FILENO)
        } catch {
            refusal.withLock { $0 = $0 ?? error }
        }
    }

    /// - Throws: when a line could not be written to standard output. A closed pipe is no error: its reader needs no more.
    static func check() throws(Failure) {
        guard let reason = refusal.withLock({ $0 }), reason.rawValue != EPIPE else { return }
        throw Failure(sentence: "cannot write to standard output: \(reason)")
    }

    /// Closes standard output, because some file systems report a full disk only then.
    ///
    /// - Throws: as ``check()``.
    static func finish() throws(Failure) {
        if close(STDOUT_FILENO) != 0 {
            let reason = Errno.current
            refusal.withLock { $0 = $0 ?? reason }
        }
        try check()
    }

    /// An error, on standard error.
    static func error(_ text: String) { note("neuronfs: \(SecretText.masked(text))") }

    /// A line on standard error that is not an error.
    static func note(_ text: String) { raw(OutsideText.lines(text) + "\n") }

    /// `text` on standard error, unchanged.
    static func raw(_ text: String) {
        do throws(Errno) {
            try writeAll(Array(text.utf8), to: STDERR_FILENO)
        } catch {
            // Standard error was the last place for a message.
        }
    }

    /// Opens those of the three standard descriptors that are closed. Otherwise a file of this program could get such a number,
    /// and messages would be written into it. They are opened so that reading or writing fails, as on a closed one.
    static func reserveDescriptors() {
        for (descriptor, flags) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY)] {
            guard fcntl(descriptor, F_GETFD) < 0 else { continue }
            // open(2) gives the lowest free number, which is that of the closed descriptor.
            _ = unsafe open("/dev/null", flags)
        }
    }
}
