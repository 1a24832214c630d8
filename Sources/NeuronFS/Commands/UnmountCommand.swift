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
        let path = try MountTable.absolute(mountPoint)
        guard let mount = try MountTable.mount(on: path) else {
            throw Failure(sentence: "nothing is mounted on \(path)", code: 2)
        }
        guard mount.type == "fuse.neuronfs" else {
            throw Failure(sentence: "\(path) is a mount of type \(mount.type), not one of NeuronFS", code: 2)
        }
        // Found before the mount is gone, and without asking it: it may be silent, or closed to us.
        var process = MountProcess.serving(mount)
        switch MountState(of: path) {
        case .dead: return try MountPoint.detach(path, lazily: true)
        case .silent:
            try MountPoint.detach(path, lazily: true)
            return Output.note(Self.noteOnSilence(path, process))
        case .alive(let status): process = status?["pid"]?.intValue ?? process
        case .closed: break
        }
        try MountPoint.detach(path, lazily: false)
        guard let process else { return }
        let deadline = Instant.now.advanced(bySeconds: Self.patience)
        while MountProcess.isRunning(process) {
            guard Instant.now < deadline else {
                throw Failure(sentence: "\(path) is unmounted, but its process \(process) has not ended yet")
            }
            usleep(20_000)
        }
    }

    private static func noteOnSilence(_ path: String, _ process: Int?) -> String {
        let detached = "\(path) did not answer for \(Int(MountState.patience)) s and is detached"
        guard let process, MountProcess.isRunning(process) else { return detached }
        return "\(detached); its process is still there: kill -9 \(process)"
    }
}
