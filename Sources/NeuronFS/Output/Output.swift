import Glibc
import Support

/// Text for a person, on standard output and standard error. Whatever it quotes, a terminal obeys nothing of it
/// (`OutsideText`).
enum Output {
    static func line(_ text: String = "") { write(OutsideText.lines(text) + "\n", to: STDOUT_FILENO) }

    /// A picture made of a terminal's own sequences.
    static func picture(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    static func error(_ text: String) {
        write("neuronfs: \(OutsideText.lines(SecretText.masked(text)))\n", to: STDERR_FILENO)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        do throws(Errno) {
            try writeAll(Array(text.utf8), to: descriptor)
        } catch {
            // Nobody reads any more (a closed pipe): there is nobody to tell.
        }
    }
}
