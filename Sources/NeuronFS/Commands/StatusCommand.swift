import ArgumentParser
import Support

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "What the mounts of this machine are doing.")

    @Argument(help: "A mount point; all NeuronFS mounts without it.")
    var mountPoint: String?

    @Flag(help: "As JSON.")
    var json = false

    func run() throws {
        var mounts = try MountTable.neuronFS()
        if let mountPoint {
            let path = MountTable.absolute(mountPoint)
            mounts = mounts.filter { $0.path == path }
            guard !mounts.isEmpty else { throw Failure(sentence: "no NeuronFS is mounted on \(path)", code: 2) }
        }
        var documents: [JSONValue] = []
        for mount in mounts {
            if let status = MountStatus.read(mount.path) {
                documents.append(status)
            } else {
                documents.append([
                    "mount_point": .string(mount.path), "state": .string("dead: neuronfs umount \(mount.path)"),
                ])
            }
        }
        if json {
            Output.line(JSONValue.array(documents).text(.indented))
        } else if documents.isEmpty {
            Output.line("no NeuronFS mount")
        } else {
            for document in documents { MountStatus.print(document) }
        }
    }
}
