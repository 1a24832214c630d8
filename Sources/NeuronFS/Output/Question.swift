import Glibc

/// A yes-or-no question before something is removed.
enum Question {
    /// Asks on the terminal. Any answer but y or yes means no.
    ///
    /// - Throws: when there is no terminal to ask on.
    static func confirm(_ question: String) throws(Failure) {
        guard isatty(STDIN_FILENO) == 1 else {
            throw Failure(sentence: "standard input is no terminal to ask on: confirm with --yes", code: 2)
        }
        Output.raw("\(question) [y/N] ")
        let answer = readLine()?.lowercased() ?? ""
        guard answer == "y" || answer == "yes" else { throw Failure(sentence: "nothing was changed") }
    }
}
