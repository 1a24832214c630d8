import ArgumentParser
import CPosix
import Configuration
import Glibc
import Support

/// The command line: `neuronfs <subcommand>`.
@main
struct NeuronFSCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "neuronfs",
        abstract: "The Allen Cell Types Database as ordinary files.",
        discussion: """
            neuronfs demo ./cells            try it: a built-in stand-in database, no network
            neuronfs mount ./cells           the real one
            neuronfs umount ./cells
            """,
        version: Version.text,
        subcommands: [
            DemoCommand.self, MountCommand.self, UnmountCommand.self, StatusCommand.self, PreviewCommand.self,
            LabelCommand.self, FindCommand.self, PrefetchCommand.self, SyncCommand.self, CacheCommand.self,
            DoctorCommand.self,
            ServeDemoCommand.self,
        ])

    /// Parses, runs, and turns every error into one sentence on standard error and an exit code: never a stack trace.
    static func main() {
        do {
            let words = CommandLine.arguments
            posix_hide_arguments()
            guard let arguments = MountHelper.translated(words) else { return }
            var command = try parseAsRoot(arguments)
            try command.run()
        } catch {
            guard let failure = error as? Failure ?? (error as? ConfigurationError).map(Failure.init) else {
                guard !exitCode(for: error).isSuccess else { exit(withError: error) }
                // What it quotes is from the command line, where a password may stand.
                Output.note(SecretText.masked(fullMessage(for: error)))
                Glibc.exit(exitCode(for: error).rawValue)
            }
            Output.error(failure.sentence)
            exit(withError: ExitCode(failure.code))
        }
    }
}

/// What version this is; part of the User-Agent.
enum Version {
    static let text = "0.1.0"
}

/// The end of a command that did not succeed.
struct Failure: Error {
    /// What is wrong and what to do about it.
    var sentence: String
    /// Exit code: 1, or 2 for what the user asked wrongly (64 is ArgumentParser's own for bad options).
    var code: Int32 = 1

    init(sentence: String, code: Int32 = 1) {
        self.sentence = sentence
        self.code = code
    }

    init(_ error: ConfigurationError) { self.init(sentence: error.sentence, code: 2) }
}
