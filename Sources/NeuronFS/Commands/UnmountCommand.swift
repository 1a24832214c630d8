import ArgumentParser
import Glibc
import Support

struct UnmountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "umount", abstract: "End a mount and wait until its process is gone.",
        discussion: """
            A mount that is in use stays, and the error names the processes that use it. After exit code 0 the mount's
            process has ended and its cache is free.
            """)

    @Argument(help: "The mount point.")
    var mountPoint: String

    @Flag(help: "Also end a mount in use: programs that use it get errors from then on.")
    var lazy = false

    /// Seconds that the process has to end. It answers the parked requests and writes little.
    private static let patience = 15.0
    /// Seconds after which the error names other mount namespaces. In most of them a mount ends a moment after ours.
    private static let namespacePatience = 5.0
    /// Seconds after which a process that was asked to end is killed.
    private static let politePatience = 10.0

    func run() throws {
        let path = try MountTable.absolute(mountPoint)
        guard let mount = try MountTable.mount(on: path) else { return try endLeftover(path) }
        guard mount.type == "fuse.neuronfs" else {
            throw Failure(sentence: "\(path) is a mount of type \(mount.type), not one of NeuronFS", code: 2)
        }
        // Before the mount is gone, and without a request to it: it may not answer, or not admit this user.
        var process = MountProcess.serving(mount)
        var isSilent = false
        switch MountState(of: path) {
        case .dead: return try MountPoint.detach(path, lazily: true)
        case .silent: isSilent = true
        case .alive(let status): process = MountProcess.serving(mount, status)
        case .closed: break
        }
        try MountPoint.detach(path, lazily: lazy || isSilent)
        if lazy {
            try Self.end(process, of: path)
        } else if isSilent {
            try Self.reportSilence(path, process)
        } else {
            try Self.wait(for: process, of: mount)
        }
    }

    /// Ends the process of a mount that is detached from `path`, but mounted in another namespace, or still in use.
    private func endLeftover(_ path: String) throws(Failure) {
        let owners = geteuid() == 0 ? Users.owners() : [geteuid()]
        guard let process = owners.lazy.compactMap({ MountProcess.serving(path, owner: $0) }).first else {
            throw Failure(sentence: "nothing is mounted on \(path)", code: 2)
        }
        guard lazy else {
            throw Failure(
                sentence: "nothing is mounted on \(path), but process \(process) of an earlier mount still runs: "
                    + "neuronfs umount --lazy \(path) ends it")
        }
        try Self.end(process, of: path)
    }

    /// Waits until the process of `mount` has ended. It ends by itself when no process holds the mount.
    private static func wait(for process: Int?, of mount: MountTable.Entry) throws(Failure) {
        let start = Instant.now
        while process.map({ MountProcess.isRunning($0) }) ?? false {
            let seconds = Instant.now.seconds(since: start)
            if seconds > namespacePatience {
                let holders = try holders(of: mount, process)
                guard holders.isEmpty else {
                    throw Failure(
                        sentence:
                            "\(mount.path) is unmounted, but held by \(holders.joined(separator: ", ")), so process "
                            + "\(process ?? 0) still runs and keeps its cache: neuronfs umount --lazy \(mount.path) ends it"
                    )
                }
            }
            guard seconds < patience else {
                throw Failure(
                    sentence: "\(mount.path) is unmounted, but its process \(process ?? 0) has not ended yet: "
                        + "neuronfs umount --lazy \(mount.path) ends it")
            }
            usleep(20_000)
        }
    }

    /// The mounts and processes that hold the file system of `mount`, which `process` serves and which is unmounted.
    private static func holders(of mount: MountTable.Entry, _ process: Int?) throws(Failure) -> [String] {
        let copies = try MountTable.all().filter { $0.device == mount.device }
        let elsewhere = Users.inOtherNamespaces(mount.device)
        // Linux reuses the device number of a file system that is gone for the next one, which another process serves.
        let isReused = (copies + elsewhere.map(\.mount)).contains { copy in
            MountProcess.serving(copy).map { $0 != process } ?? false
        }
        guard !isReused else { return [] }
        return copies.map { "the mount on \($0.path)" } + elsewhere.map(\.user.text)
    }

    /// Ends the process of a detached mount, even when other processes still use the mount. Their reads end with it.
    private static func end(_ process: Int?, of path: String) throws(Failure) {
        guard let process else {
            throw Failure(
                sentence: "\(path) is detached, but its process cannot be found: while it runs it keeps its cache")
        }
        let start = Instant.now
        for (signal, seconds) in [(SIGTERM, politePatience), (SIGKILL, patience)] {
            guard kill(pid_t(process), signal) == 0 || errno == ESRCH else {
                throw Failure(
                    sentence: "\(path) is detached, but its process \(process) cannot be ended: \(Errno.current)")
            }
            while Instant.now.seconds(since: start) < seconds {
                guard MountProcess.isRunning(process) else { return }
                usleep(20_000)
            }
        }
        throw Failure(sentence: "\(path) is detached, but its process \(process) has not ended yet")
    }

    private static func reportSilence(_ path: String, _ process: Int?) throws(Failure) {
        let detached = "\(path) did not answer for \(Int(MountState.patience)) s and is detached"
        guard let process, MountProcess.isRunning(process) else { return Output.note(detached) }
        throw Failure(sentence: "\(detached), but its process still runs and keeps its cache: kill -9 \(process)")
    }
}
