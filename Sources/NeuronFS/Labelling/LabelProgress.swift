import Glibc
import Support

/// The progress of a label job: shows it, and ends the job when the user wants that.
struct LabelProgress {
    private var bar: ProgressBar

    init(total: Int, unit: String, quiet: Bool) { bar = ProgressBar(total: total, unit: unit, quiet: quiet) }

    /// `count` more steps are done.
    /// - Throws: `Failure` 130, as a shell reports Ctrl-C, when SIGINT, SIGTERM or SIGHUP is pending, which
    ///   `Signals.blockEnding` must have blocked.
    mutating func advance(by count: Int = 1) throws(Failure) {
        bar.advance(by: count)
        guard !Self.endingIsPending else {
            throw Failure(sentence: "interrupted: nothing was written", code: 130)
        }
    }

    /// Takes the bar away.
    mutating func end() { bar.end() }

    private static var endingIsPending: Bool {
        var pending = sigset_t()
        guard unsafe sigpending(&pending) == 0 else { return false }
        return [SIGINT, SIGTERM, SIGHUP].contains { signal in unsafe sigismember(&pending, signal) == 1 }
    }
}
