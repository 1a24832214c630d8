import ArgumentParser

/// Checks that a command line begins with a command that exists. ArgumentParser calls a misspelt command an unexpected
/// argument and suggests none.
enum CommandNames {
    /// - Throws: `Failure` 64 that names the nearest command.
    static func check(_ words: [String]) throws(Failure) {
        var subcommands = NeuronFSCommand.configuration.subcommands
        var path: [String] = []
        for word in words.first == "help" ? words.dropFirst() : words[...] {
            guard !subcommands.isEmpty, !word.hasPrefix("-") else { return }
            let names = subcommands.map { $0.configuration.commandName ?? "" }
            guard let index = names.firstIndex(of: word) else { throw unknown(word, among: names, below: path) }
            subcommands = subcommands[index].configuration.subcommands
            path.append(word)
        }
    }

    private static func unknown(_ word: String, among names: [String], below path: [String]) -> Failure {
        let above = ["neuronfs"] + path
        let list =
            Spelling.nearest(to: word, among: names).map { "did you mean \((path + [$0]).joined(separator: " "))?" }
            ?? "there are \(names.joined(separator: ", "))"
        return Failure(
            sentence: "there is no command \((path + [word]).joined(separator: " ")): \(list) "
                + "(\(above.joined(separator: " ")) --help explains them)", code: 64)
    }
}
