import Glibc

/// A yes-or-no question before something is taken away.
enum Question {
    /// Asks on the terminal. Anything but y or yes is a no.
    ///
    /// - Throws: when there is no terminal to ask on.
    static func confirm(_ question: String) throws(Failure) {
        guard isatty(STDIN_FILENO) == 1 else {
            throw Failure(sentence: "nobody can be asked (standard input is no terminal): say --yes", code: 2)
        }
        Output.raw("\(question) [y/N] ")
        let answer = readLine()?.lowercased() ?? ""
        guard answer == "y" || answer == "yes" else { throw Failure(sentence: "nothing was changed") }
    }
}
