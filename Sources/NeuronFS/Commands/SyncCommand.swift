import ArgumentParser
import Glibc
import Support

struct SyncCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "Fetch the list of cells now.",
        discussion: """
            A mount fetches the list by itself when it is older than a day. When the database cannot be reached, the last
            good list stays. It also stays when the new list lacks more than a tenth of the known cells, image stacks,
            skeletons or recordings: a faulty server sends such lists. --accept takes the new list in this case, too.
            """)

    @Argument(
        help: "The mount point. (default: the mount of the working directory, else the first NeuronFS mount)",
        completion: .directory)
    var mountPoint: String?

    @Option(help: ArgumentHelp("Seconds to wait for the answer.", valueName: "seconds"))
    var timeout = 120.0

    @Flag(help: "Take the list also when it lacks more than a tenth of the known cells or files.")
    var accept = false

    mutating func validate() throws {
        guard (0...86_400).contains(timeout) else { throw ValidationError("--timeout is 0 to 86400 seconds") }
    }

    func run() throws {
        let path = try MountChoice.path(mountPoint)
        guard let before = MountStatus.read(path), let pid = before["pid"]?.intValue,
            let count = before["catalogue"]?["syncs"]?.intValue
        else { throw Failure(sentence: "the mount on \(path) is dead or of another version: mount it again") }
        guard listens(pid), try MountProcess.belongs(pid, to: MountChoice.entry(path).owner) else {
            throw Failure(sentence: "process \(pid) of \(path) accepts no requests to sync")
        }
        do throws(Errno) {
            try (accept ? SyncRequest.acceptingLosses : .refresh).send(to: pid_t(pid))
        } catch {
            throw Failure(sentence: "cannot ask process \(pid) of \(path): \(error)")
        }
        let deadline = Instant.now.advanced(bySeconds: timeout)
        while true {
            guard let now = MountStatus.read(path)?["catalogue"] else {
                throw Failure(sentence: "the mount on \(path) has ended meanwhile, or does not answer any more")
            }
            if let finished = now["syncs"]?.intValue, finished > count {
                if let error = now["sync_error"]?.stringValue {
                    throw Failure(sentence: "no new list of cells was taken, the last good one stays: \(error)")
                }
                return Output.line("\(now["cells"]?.intValue ?? 0) cells")
            }
            guard Instant.now < deadline else {
                throw Failure(sentence: "no answer within \(Int(timeout)) s; the mount goes on trying, see its log")
            }
            usleep(50_000)
        }
    }

    /// Whether the process blocks SIGUSR1 (proc(5), SigBlk), as a mount does. The signal would end another process.
    private func listens(_ pid: Int) -> Bool {
        do throws(Errno) {
            let text = String(decoding: try readWholeFile("/proc/\(pid)/status"), as: UTF8.self)
            let line = text.split(separator: "\n").first { $0.hasPrefix("SigBlk:") }
            guard let mask = line?.split(separator: "\t").last.flatMap({ UInt64($0, radix: 16) }) else { return false }
            return mask & (1 << UInt64(SIGUSR1 - 1)) != 0
        } catch {
            return false
        }
    }
}
