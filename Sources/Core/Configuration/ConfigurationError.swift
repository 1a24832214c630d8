/// Words of the command line, of `-o`, of the environment or of a file that cannot be followed.
package struct ConfigurationError: Error, Sendable {
    /// What is wrong, where it stands and what to do about it.
    package var sentence: String

    /// An error that says so.
    package init(_ sentence: String) { self.sentence = sentence }
}
