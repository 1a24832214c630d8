/// A text of the command line, of `-o`, of the environment or of a file that cannot be used.
package struct ConfigurationError: Error, Sendable {
    /// The fault, its place, and what to do about it.
    package var sentence: String

    /// An error with this sentence.
    package init(_ sentence: String) { self.sentence = sentence }
}
