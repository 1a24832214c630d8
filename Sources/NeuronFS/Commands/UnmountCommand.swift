import ArgumentParser
import Glibc
import Support

struct UnmountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "umount", abstract: "End a mount and wait until its process is gone.")

    @Argument(help: "The mount point.")
    var mountPoint: String

    /// Seconds the process has to end: it answers what is parked, writes nothing that takes long.
    private static let patience = 15.0

    func run() throws {
        let path = MountTable.absolute(mountPoint)
        guard let mount = try MountTable.mount(on: path) else {
            throw Failure(sentence: "nothing is mounted on \(path)", code: 2)
        }
        guard mount.type == "fuse.neuronfs" else {
            throw Failure(sentence: "\(path) is a mount of type \(mount.type), not one of NeuronFS", code: 2)
        }
        if MountPoint.isDead(path) { return try MountPoint.detach(path, lazily: true) }
        let pid = MountStatus.read(path)?["pid"]?.intValue
        try MountPoint.detach(path, lazily: false)
        guard let pid else { return }
        let deadline = Instant.now.advanced(bySeconds: Self.patience)
        while kill(pid_t(pid), 0) == 0 {
            guard Instant.now < deadline else {
                throw Failure(sentence: "\(path) is unmounted, but its process \(pid) has not ended yet")
            }
            usleep(20_000)
        }
    }
}
