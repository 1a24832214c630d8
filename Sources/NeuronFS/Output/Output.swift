import Glibc
import Support

/// Text for a person, on standard output and standard error.
enum Output {
    static func line(_ text: String = "") { write(text + "\n", to: STDOUT_FILENO) }

    static func error(_ text: String) { write("neuronfs: \(text)\n", to: STDERR_FILENO) }

    private static func write(_ text: String, to descriptor: Int32) {
        do throws(Errno) {
            try writeAll(Array(text.utf8), to: descriptor)
        } catch {
            // Nobody reads any more (a closed pipe): there is nobody to tell.
        }
    }
}
