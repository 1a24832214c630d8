import Glibc
import Support

/// Text for a person, on standard output and standard error. Everything that commands print goes through here, and a
/// terminal obeys nothing of what it quotes (`OutsideText`).
enum Output {
    /// Why standard output did not take a line; nil while it takes all.
    private static let refusal = Monitor<Errno?>(nil)

    /// A line on standard output. One that cannot be written makes the command fail in the end (``finish()``): what the
    /// command does beside printing is done all the same.
    static func line(_ text: String = "") { picture(OutsideText.lines(text)) }

    /// A picture made of a terminal's own sequences, as it is on standard output; otherwise as ``line(_:)``.
    static func picture(_ text: String) {
        do throws(Errno) {
            try writeAll(Array((text + "\n").utf8), to: STDOUT_FILENO)
        } catch {
            refusal.withLock { $0 = $0 ?? error }
        }
    }

    /// - Throws: when a line could not be written to standard output. A closed pipe is none: its reader has seen enough.
    static func check() throws(Failure) {
        guard let reason = refusal.withLock({ $0 }), reason.rawValue != EPIPE else { return }
        throw Failure(sentence: "cannot write to standard output: \(reason)")
    }

    /// Closes standard output, because some file systems tell of a full disk only then.
    ///
    /// - Throws: as ``check()``.
    static func finish() throws(Failure) {
        if close(STDOUT_FILENO) != 0 {
            let reason = Errno.current
            refusal.withLock { $0 = $0 ?? reason }
        }
        try check()
    }

    /// A sentence about what went wrong, on standard error.
    static func error(_ text: String) { note("neuronfs: \(SecretText.masked(text))") }

    /// A line on standard error that is not an error.
    static func note(_ text: String) { raw(OutsideText.lines(text) + "\n") }

    /// `text` as it is on standard error.
    static func raw(_ text: String) {
        do throws(Errno) {
            try writeAll(Array(text.utf8), to: STDERR_FILENO)
        } catch {
            // Nobody reads standard error any more: there is nobody to tell.
        }
    }

    /// Opens what is closed of the three standard descriptors, so that no file of ours gets their numbers: a line for a
    /// person would be written into it. They are opened so that reading or writing fails, as it would have.
    static func reserveDescriptors() {
        for (descriptor, flags) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY)] {
            guard fcntl(descriptor, F_GETFD) < 0 else { continue }
            // The lowest free number is the one that is closed. Without /dev/null there is nothing to open.
            _ = unsafe open("/dev/null", flags)
        }
    }
}
