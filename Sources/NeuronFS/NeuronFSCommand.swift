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
            neuronfs demo ./cells            try it: a small built-in database, no network
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
        // A file that would exceed its limit is an error of the write, which says which file it is.
        signal(SIGXFSZ, SIG_IGN)
        Output.reserveDescriptors()
        var code = outcome()
        do throws(Failure) {
            try Output.finish()
        } catch {
            Output.error(error.sentence)
            if code == 0 { code = error.code }
        }
        Glibc.exit(code)
    }

    /// Runs the command. Returns its exit code.
    private static func outcome() -> Int32 {
        do {
            let words = try CommandWords.decoded()
            posix_hide_arguments()
            guard let arguments = MountHelper.translated(words) else { return 0 }
            try CommandNames.check(arguments)
            var command = try parseAsRoot(arguments)
            try command.run()
            return 0
        } catch let failure as Failure {
            Output.error(failure.sentence)
            return failure.code
        } catch let error as ConfigurationError {
            let failure = Failure(error)
            Output.error(failure.sentence)
            return failure.code
        } catch {
            // Of ArgumentParser: a request for help, or options that make no sense. It quotes words of the command line,
            // where a password may stand.
            let text = SecretText.masked(fullMessage(for: error))
            let code = exitCode(for: error)
            if !text.isEmpty { code.isSuccess ? Output.line(text) : Output.note(text) }
            return code.rawValue
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
