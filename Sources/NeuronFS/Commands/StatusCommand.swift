import ArgumentParser
import Support

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "What the mounts of this machine are doing.")

    @Argument(help: "A mount point, or a path in a mount; all NeuronFS mounts without it.", completion: .directory)
    var mountPoint: String?

    @Flag(name: .shortAndLong, help: "Everything that a mount tells of itself.")
    var verbose = false

    @Flag(help: "As JSON.")
    var json = false

    func run() throws {
        let documents = try MountChoice.looked(mountPoint).map { mount, state in document(of: mount, state) }
        if json {
            Output.line(JSONValue.array(documents).text(.indented))
        } else if documents.isEmpty {
            Output.line("no NeuronFS mount")
        } else {
            for document in documents {
                for line in verbose ? StatusText.everything(document) : StatusText.summary(document) {
                    Output.line(line)
                }
            }
        }
    }

    /// What the mount says of itself, or else why it says nothing.
    private func document(of mount: MountTable.Entry, _ state: MountState) -> JSONValue {
        let text: String
        switch state {
        case .alive(let document?): return document
        case .alive(nil): text = "of another version of this program"
        case .dead: text = "dead: neuronfs umount \(mount.path)"
        case .silent: text = "does not answer: neuronfs umount \(mount.path)"
        case .closed: text = "of \(mount.ownerText), who alone can look in"
        }
        return ["mount_point": .string(mount.path), "state": .string(text)]
    }
}
