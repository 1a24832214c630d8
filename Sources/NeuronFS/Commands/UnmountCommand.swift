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
        while Self.isRunning(pid) {
            guard Instant.now < deadline else {
                throw Failure(sentence: "\(path) is unmounted, but its process \(pid) has not ended yet")
            }
            usleep(20_000)
        }
    }

    /// Whether process `pid` runs. One that has ended and waits to be reaped does not: the first process of a container
    /// often reaps late or never.
    private static func isRunning(_ pid: Int) -> Bool {
        do throws(Errno) {
            // proc(5): pid (comm) state ...; comm may hold anything, also brackets.
            let line = String(decoding: try readWholeFile("/proc/\(pid)/stat"), as: UTF8.self)
            let state = line.lastIndex(of: ")").map { line[line.index(after: $0)...].first { $0 != " " } }
            return state != "Z" && state != "X"
        } catch {
            return false
        }
    }
}
