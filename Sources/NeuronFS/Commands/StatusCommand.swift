import ArgumentParser
import Support

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the state of the mounts of this machine.")

    @Argument(help: "A mount point, or a path in a mount. (default: all NeuronFS mounts)", completion: .directory)
    var mountPoint: String?

    @Flag(name: .shortAndLong, help: "All values that a mount reports.")
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

    /// The status of a mount, or the reason why it has none.
    private func document(of mount: MountTable.Entry, _ state: MountState) -> JSONValue {
        let text: String
        switch state {
        case .alive(let document?): return document
        case .alive(nil): text = "of another version of this program"
        case .dead: text = "dead: neuronfs umount \(mount.path)"
        case .silent: text = "does not answer: neuronfs umount \(mount.path)"
        case .closed: text = "mounted by \(mount.ownerText) without --allow-other"
        }
        return ["mount_point": .string(mount.path), "state": .string(text)]
    }
}
